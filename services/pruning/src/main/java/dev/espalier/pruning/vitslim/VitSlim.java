package dev.espalier.pruning.vitslim;

import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.sparsity.GateRanking;
import dev.espalier.pruning.sparsity.GateRanking.Site;
import dev.espalier.pruning.sparsity.LiveGates;
import dev.espalier.pruning.sparsity.SparsitySearch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * ViT-Slim (Chavan et al., CVPR 2022, arXiv 2201.00814): soft gates on the channels of heads, on
 * hidden units and on tokens, trained with an L1 penalty beside the weights; then the smallest of
 * each type go, over all blocks. One search serves every budget. What is ours is in {@code
 * RATIONALE.md}.
 */
public final class VitSlim implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.VIT_SLIM;
  }

  @Override
  public Search search(SearchRequest request) {
    VitSlimGates.Settings settings = VitSlimGates.Settings.of(request);
    return new SparsitySearch(request, new VitSlimGates(request.base().architecture(), settings));
  }

  /**
   * The smallest gates of the three types fall side by side until the budget is met; findings are
   * the gates by name.
   */
  @Override
  public PruningPlan plan(PlanRequest asked) {
    PlanRequest request = asked.withDefaults(descriptor());
    return live(request).plan(request.targetKind(), request.keepRatio());
  }

  static LiveGates live(PlanRequest request) {
    VitArchitecture base = request.base();
    Map<String, Tensor> gates = Safetensors.fromBytes(request.requireFindings()).tensors();
    boolean signed = request.parameter("ranking").equals("signed");
    double tokenPace = number(request, "tokenPace");
    Map<String, Site> sites = new LinkedHashMap<>();
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      if (shape.attention() == AttentionKind.MSA) {
        requireHeads(gates, l, shape);
        place(sites, "attention", VitSlimGates.attention(l), gates, signed);
      }
      require(gates, VitSlimGates.mlp(l), shape.mlpHidden());
      place(sites, "mlp", VitSlimGates.mlp(l), gates, signed);
      if (tokenPace > 0) {
        require(gates, VitSlimGates.tokens(l), base.tokens());
        place(sites, "tokens", VitSlimGates.tokens(l), gates, signed);
      }
    }
    Map<String, double[]> shares = new LinkedHashMap<>();
    List<double[]> ranked = GateRanking.fallsAt(List.copyOf(sites.values()));
    sites.keySet().forEach(name -> shares.put(name, ranked.get(shares.size())));
    return fall(request, gates, shares);
  }

  private static LiveGates fall(
      PlanRequest request, Map<String, Tensor> gates, Map<String, double[]> shares) {
    VitArchitecture base = request.base();
    LiveGates live = new LiveGates(base, request.alignment());
    boolean aligned = request.parameter("heads").equals("aligned");
    double attentionPace = number(request, "attentionPace");
    double mlpPace = number(request, "mlpPace");
    double tokenPace = number(request, "tokenPace");
    List<double[]> tokens = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      if (shape.attention() == AttentionKind.MSA && attentionPace > 0) {
        int[] form = gates.get(VitSlimGates.attention(l)).shape();
        double[] own = at(attentionPace, shares.get(VitSlimGates.attention(l)));
        if (form[0] == shape.heads() && form[1] == 1 && shape.vWidth() > 1) {
          live.heads(l, own);
        } else if (form[0] == shape.heads()) {
          live.channels(l, own, aligned, true);
          live.heads(l, own);
        } else {
          live.channels(l, repeated(own, shape.heads()), true, true);
        }
      }
      if (mlpPace > 0) {
        live.mlp(l, at(mlpPace, shares.get(VitSlimGates.mlp(l))));
      }
      tokens.add(shares.get(VitSlimGates.tokens(l)));
    }
    if (tokenPace > 0) {
      Nesting nesting = Nesting.of((String) request.parameter("nesting"));
      live.tokens(nesting.nested(tokens), tokenPace);
    }
    return live;
  }

  private static void place(
      Map<String, Site> sites,
      String pool,
      String name,
      Map<String, Tensor> gates,
      boolean signed) {
    float[] values = gates.get(name).values();
    double[] scores = new double[values.length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = signed ? values[i] : Math.abs(values[i]);
    }
    sites.put(name, new Site(pool, scores));
  }

  private static double[] at(double pace, double[] shares) {
    return Arrays.stream(shares).map(share -> share / pace).toArray();
  }

  private static double[] repeated(double[] shares, int heads) {
    double[] all = new double[heads * shares.length];
    for (int h = 0; h < heads; h++) {
      System.arraycopy(shares, 0, all, h * shares.length, shares.length);
    }
    return all;
  }

  private static double number(PlanRequest request, String name) {
    return ((Number) request.parameter(name)).doubleValue();
  }

  private static void require(Map<String, Tensor> gates, String name, int size) {
    Tensor found = gates.get(name);
    if (found == null || found.values().length != size) {
      throw new IllegalArgumentException(
          "findings need %d gates of %s but have %s%s"
              .formatted(
                  size,
                  name,
                  found == null ? "none" : found,
                  found == null && name.endsWith(".tokens")
                      ? "; without tokenGates tokenPace must be 0"
                      : ""));
    }
  }

  private static void requireHeads(Map<String, Tensor> gates, int l, BlockShape shape) {
    String name = VitSlimGates.attention(l);
    Tensor found = gates.get(name);
    boolean fits =
        found != null
            && found.shape().length == 2
            && (found.shape()[0] == shape.heads() || found.shape()[0] == 1)
            && (found.shape()[1] == shape.vWidth() || found.shape()[1] == 1);
    if (!fits) {
      throw new IllegalArgumentException(
          "findings need %d x %d gates of %s but have %s"
              .formatted(shape.heads(), shape.vWidth(), name, found == null ? "none" : found));
    }
  }
}
