package dev.espalier.pruning.vtp;

import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.sparsity.GateRanking;
import dev.espalier.pruning.sparsity.GateRanking.Site;
import dev.espalier.pruning.sparsity.LiveGates;
import dev.espalier.pruning.sparsity.SparsitySearch;
import dev.espalier.pruning.vtp.VtpGates.Place;
import java.util.ArrayList;
import java.util.List;

/**
 * VTP (Zhu, Tang, Han, KDD 2021 workshop, arXiv 2104.08500): a soft gate {@code a} on each input
 * dimension of a block's linears, trained with {@code lambda * |a|}, then the smallest |a| of the
 * whole model go. What is ours is in {@code RATIONALE.md}.
 */
public final class Vtp implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.VTP;
  }

  @Override
  public Search search(SearchRequest request) {
    return new SparsitySearch(
        request, new VtpGates(request.base().architecture(), request.number("penalty")));
  }

  /** The smallest gates fall until the budget is met; findings are the gates by place. */
  @Override
  public PruningPlan plan(PlanRequest asked) {
    PlanRequest request = asked.withDefaults(descriptor());
    return live(request).plan(request.targetKind(), request.keepRatio());
  }

  static LiveGates live(PlanRequest request) {
    Safetensors gates = Safetensors.fromBytes(request.requireFindings());
    List<Place> places = VtpGates.places(request.base());
    List<Site> sites = new ArrayList<>();
    for (Place place : places) {
      Object pool =
          switch ((String) request.parameter("ranking")) {
            case "per-site" -> place.site();
            case "per-layer" -> place;
            default -> "all";
          };
      sites.add(new Site(pool, VtpGates.magnitudes(place, request.base(), gates.tensors())));
    }
    List<double[]> shares = GateRanking.fallsAt(sites);
    LiveGates live = new LiveGates(request.base(), request.alignment());
    boolean aligned = request.parameter("heads").equals("aligned");
    for (int i = 0; i < places.size(); i++) {
      int l = places.get(i).block();
      switch (places.get(i).site()) {
        case QKV_IN -> live.attentionReads(l, shares.get(i));
        case ATTN_OUT -> live.channels(l, shares.get(i), aligned, false);
        case MLP_IN -> live.mlpReads(l, shares.get(i));
        case MLP_HIDDEN -> live.mlp(l, shares.get(i));
      }
    }
    return live;
  }
}
