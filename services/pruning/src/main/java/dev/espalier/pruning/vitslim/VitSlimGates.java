package dev.espalier.pruning.vitslim;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.sparsity.Folding;
import dev.espalier.pruning.sparsity.GateSet;
import dev.espalier.pruning.vit.Gates;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The paper's gates in each block: zeta_attn on the channels of queries, keys and values alike, (H,
 * q), or (H, 1) for whole heads, or (1, q) for all heads at once; zeta_mlp on fc2's input, (M);
 * zeta_patch on both norms' outputs, (T).
 */
final class VitSlimGates implements GateSet {

  /** Start of what passes through tanh: tanh(3) = 0.995. */
  private static final float ALMOST_OPEN = 3;

  private final VitArchitecture base;
  private final Settings settings;

  /**
   * What the descriptor's search parameters say.
   *
   * @param gates per-channel, per-head or uniform
   */
  record Settings(
      String gates,
      boolean tanhOnAll,
      boolean tokenGates,
      double attentionPenalty,
      double mlpPenalty,
      double tokenPenalty,
      boolean gatesAndNormsOnly) {

    static Settings of(SearchRequest request) {
      return new Settings(
          request.text("gates"),
          request.text("tanh").equals("all"),
          Boolean.TRUE.equals(request.parameters().get("tokenGates")),
          request.number("attentionPenalty"),
          request.number("mlpPenalty"),
          request.number("tokenPenalty"),
          request.text("trains").equals("gates-and-norms"));
    }
  }

  /**
   * Gates of a base.
   *
   * @throws IllegalArgumentException for a base whose blocks these gates do not fit, naming the
   *     block
   */
  VitSlimGates(VitArchitecture base, Settings settings) {
    this.base = base;
    this.settings = settings;
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      want(shape.wiring().isAll(), l, "must read and write all residual channels", "a wiring");
      want(
          shape.attention() != AttentionKind.MSA || shape.qkWidth() == shape.vWidth(),
          l,
          "must have equal query/key and value widths, which share a gate",
          shape.qkWidth() + " and " + shape.vWidth());
      want(
          !settings.tokenGates() || !shape.attention().isConvolution(),
          l,
          "must not convolve over the grid with tokenGates",
          shape.attention().text());
      want(
          !settings.tokenGates() || shape.tokens().equals(TokenRule.ALL),
          l,
          "must work on all tokens with tokenGates",
          shape.tokens().toString());
    }
  }

  private static void want(boolean holds, int block, String expected, String found) {
    if (!holds) {
      throw new IllegalArgumentException(
          "block %d %s but has %s".formatted(block, expected, found));
    }
  }

  static String attention(int block) {
    return "blocks." + block + ".attention";
  }

  static String mlp(int block) {
    return "blocks." + block + ".mlp";
  }

  static String tokens(int block) {
    return "blocks." + block + ".tokens";
  }

  @Override
  public Map<String, long[]> shapes() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      if (shape.attention() == AttentionKind.MSA) {
        shapes.put(
            attention(l),
            new long[] {
              settings.gates().equals("uniform") ? 1 : shape.heads(),
              settings.gates().equals("per-head") ? 1 : shape.vWidth()
            });
      }
      shapes.put(mlp(l), new long[] {shape.mlpHidden()});
      if (settings.tokenGates()) {
        shapes.put(tokens(l), new long[] {base.tokens()});
      }
    }
    return shapes;
  }

  @Override
  public float initial(String name) {
    return bounded(name) ? ALMOST_OPEN : 1;
  }

  @Override
  public boolean bounded(String name) {
    return settings.tanhOnAll() || name.endsWith(".tokens");
  }

  @Override
  public double penalty(String name) {
    if (name.endsWith(".tokens")) {
      return settings.tokenPenalty();
    }
    return name.endsWith(".mlp") ? settings.mlpPenalty() : settings.attentionPenalty();
  }

  @Override
  public boolean trains(String parameter) {
    return !settings.gatesAndNormsOnly() || parameter.contains("norm");
  }

  /**
   * A gate z on queries and keys alike is one of z^2 on the queries: their product is all that is
   * seen of them.
   */
  @Override
  public Gates place(Function<String, NDArray> values) {
    List<Gates.Block> blocks = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      NDArray qk = null;
      NDArray v = null;
      if (shape.attention() == AttentionKind.MSA) {
        v = values.apply(attention(l)).broadcast(new Shape(shape.heads(), shape.vWidth()));
        qk = v.mul(v); // (H, q)
      }
      blocks.add(
          new Gates.Block(null, null, qk, v, null)
              .withHidden(values.apply(mlp(l)))
              .onTokens(settings.tokenGates() ? values.apply(tokens(l)) : null, null));
    }
    return new Gates(null, null, blocks);
  }

  /**
   * Attention's gates go into the rows that make queries, keys and values, those of the MLP into
   * fc2's columns. Gates of tokens have no weight to go into: they become 1.
   */
  @Override
  public VitWeights fold(VitWeights trained, Map<String, Tensor> values) {
    Folding folding = new Folding(trained);
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      if (shape.attention() == AttentionKind.MSA) {
        float[] gates = perChannel(values.get(attention(l)), shape);
        for (int part = 0; part < 3; part++) { // queries, keys, values
          folding.rows("blocks." + l + ".attn.qkv", part * gates.length, gates);
        }
      }
      folding.columns("blocks." + l + ".mlp.fc2.weight", values.get(mlp(l)).values());
    }
    return folding.weights();
  }

  /** One gate for each channel of each head, (H * q), of any of the three forms. */
  static float[] perChannel(Tensor gate, BlockShape shape) {
    float[] gates = new float[shape.heads() * shape.vWidth()];
    int heads = gate.shape()[0];
    int width = gate.shape()[1];
    for (int h = 0; h < shape.heads(); h++) {
      for (int c = 0; c < shape.vWidth(); c++) {
        gates[h * shape.vWidth() + c] =
            gate.values()[(heads == 1 ? 0 : h) * width + (width == 1 ? 0 : c)];
      }
    }
    return gates;
  }

  /** Mean of sizes where a unit has several gates; residual channels have none and score 0. */
  @Override
  public Importance importance(Map<String, Tensor> values) {
    List<BlockImportance> blocks = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      double[] heads = new double[shape.heads()];
      double[] channels = new double[shape.vWidth()];
      if (shape.attention() == AttentionKind.MSA) {
        float[] gates = perChannel(values.get(attention(l)), shape);
        for (int i = 0; i < gates.length; i++) {
          heads[i / channels.length] += Math.abs(gates[i]) / channels.length;
          channels[i % channels.length] += Math.abs(gates[i]) / heads.length;
        }
      }
      float[] hidden = values.get(mlp(l)).values();
      double[] mlp = new double[hidden.length];
      for (int i = 0; i < mlp.length; i++) {
        mlp[i] = Math.abs(hidden[i]);
      }
      double[] qk = shape.qkWidth() == channels.length ? channels : new double[shape.qkWidth()];
      blocks.add(new BlockImportance(heads, qk.clone(), channels, mlp));
    }
    return new Importance(new double[base.embedding()], blocks);
  }
}
