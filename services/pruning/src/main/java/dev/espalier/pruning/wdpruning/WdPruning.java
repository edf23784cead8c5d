package dev.espalier.pruning.wdpruning;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.method.BudgetSolver;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * WDPruning (Yu et al., AAAI 2022): every layer learns which output units matter and how many stay,
 * and classifiers behind blocks let the last blocks go. What is ours is in {@code RATIONALE.md}.
 */
public final class WdPruning implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.WDPRUNING;
  }

  @Override
  public Search search(SearchRequest request) {
    return new WdSearch(request);
  }

  /**
   * The shallowest depth whose model is nearly as accurate as the best one's, at the learnt widths
   * shifted to the budget.
   */
  @Override
  public PruningPlan plan(PlanRequest request) {
    VitArchitecture base = request.base();
    Widths.requirePlain(base);
    Findings findings = Findings.fromBytes(base, request.requireFindings());
    TargetKind kind = request.targetKind();
    double goal = request.keepRatio() * Cost.of(base).of(kind);
    Map<Integer, PruningPlan> plans = new TreeMap<>();
    Map<Integer, Double> accuracies = new TreeMap<>();
    findings
        .accuracies()
        .forEach(
            (depth, accuracy) ->
                new Widths(base, depth, request.alignment())
                    .plan(findings, kind, goal)
                    .ifPresent(
                        plan -> {
                          plans.put(depth, plan);
                          accuracies.put(depth, accuracy);
                        }));
    if (plans.isEmpty()) {
      int shallowest = findings.accuracies().keySet().iterator().next();
      requireReachable(base, shallowest, request.alignment(), kind, goal);
      throw new IllegalArgumentException(
          "keep ratio of %s is %s but the search was made for another"
              .formatted(kind.text(), request.keepRatio()));
    }
    double tolerance = ((Number) request.parameter("tolerance")).doubleValue();
    return plans.get(Findings.shallowest(accuracies, tolerance));
  }

  /** The chosen depth's own classifier, in place of the base's. */
  @Override
  public Map<String, Tensor> brought(PruningPlan plan, Optional<byte[]> findings) {
    int depth = (int) plan.blocks().stream().filter(BlockPlan::kept).count();
    byte[] bytes =
        findings.orElseThrow(() -> new IllegalArgumentException("the findings are missing"));
    return Findings.fromBytes(plan.base(), bytes).classifiers().getOrDefault(depth, Map.of());
  }

  static void requireReachable(
      VitArchitecture base, int shallowest, int alignment, TargetKind kind, double goal) {
    long least = new Widths(base, shallowest, alignment).least(kind);
    long whole = Cost.of(base).of(kind);
    if (least > goal * (1 + BudgetSolver.TOLERANCE)) {
      throw new IllegalArgumentException(
          "keep ratio of %s must be at least %.3f for this base, alignment and %d blocks but is %s"
              .formatted(kind.text(), (double) least / whole, shallowest, goal / whole));
    }
  }
}
