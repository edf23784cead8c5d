package dev.espalier.pruning.nvit;

import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.method.Alignment;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.method.BudgetSolver;
import dev.espalier.pruning.method.Chunk;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.Pool;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * NViT (Yang et al., CVPR 2023, arXiv 2110.04869): one Taylor ranking over embedding channels,
 * heads, query/key channels, value channels and hidden units; the lowest chunks go step by step
 * while the model trains. What is ours is in {@code RATIONALE.md}.
 */
public final class Nvit implements PruningMethod {

  private final MethodDescriptor descriptor;

  private Nvit(MethodDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  /** The ranking by importance alone. */
  public static Nvit plain() {
    return new Nvit(Methods.NVIT);
  }

  /** The ranking by importance less what a unit costs in time. */
  public static Nvit latencyAware() {
    return new Nvit(Methods.NVIT_LATENCY);
  }

  @Override
  public MethodDescriptor descriptor() {
    return descriptor;
  }

  @Override
  public Search search(SearchRequest request) {
    return new NvitSearch(request);
  }

  /**
   * The trajectory's plan so far, then the lowest chunks that fit until the budget is met.
   *
   * <p>The findings are the trajectory of the last link of the chain.
   */
  @Override
  public PruningPlan plan(PlanRequest request) {
    VitArchitecture base = request.base();
    Importance importance = request.importance();
    int alignment = request.alignment();
    importance.checkFits(base);
    Trajectory.State state = Trajectory.read(base, request.requireFindings()).state();
    LiveUnits units = state.units();
    align(units, importance, alignment);
    List<Chunk> order =
        new GlobalRanking(
                state.chunks().alignedTo(alignment), state.meanScore(), latency(request, state))
            .rank(units, pool -> floats(pool.scores(importance))).stream()
                .map(GlobalRanking.Ranked::chunk)
                .toList();
    new BudgetSolver(request.budget(), request.keepRatio()).solve(units, order);
    return units.plan();
  }

  private static GlobalRanking.UnitCosts latency(PlanRequest request, Trajectory.State state) {
    Trajectory.Eta eta = state.eta();
    if (eta.weight() == 0) {
      return GlobalRanking.UnitCosts.NONE;
    }
    LatencyTable table =
        request
            .latency()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "a latency-aware plan needs a table of measured latencies"));
    return new LatencyGain(table, eta.weight(), eta.perMedian());
  }

  /** Widths that the search's chunks left between two multiples get their best units back. */
  private static void align(LiveUnits units, Importance importance, int alignment) {
    for (Pool pool : units.pools()) {
      List<Integer> allowed = Alignment.widths(pool.kind(), pool.width(units.base()), alignment);
      int live = units.count(pool);
      int wanted = allowed.stream().filter(width -> width >= live).findFirst().orElseThrow();
      double[] scores = pool.scores(importance);
      List<Integer> out = new ArrayList<>();
      for (int unit = 0; unit < scores.length; unit++) {
        if (!units.isLive(pool, unit)) {
          out.add(unit);
        }
      }
      out.sort(Comparator.comparingDouble((Integer unit) -> scores[unit]).reversed());
      units.revive(pool, out.subList(0, wanted - live));
    }
  }

  private static float[] floats(double[] scores) {
    float[] floats = new float[scores.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) scores[i];
    }
    return floats;
  }
}
