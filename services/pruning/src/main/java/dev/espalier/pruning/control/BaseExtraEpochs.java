package dev.espalier.pruning.control;

import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.pruning.method.OneShotSearch;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;

/**
 * Control: nothing is cut, and the base gets the epochs that others recover with. What it gains is
 * training, not pruning.
 */
public final class BaseExtraEpochs implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.BASE_EXTRA_EPOCHS;
  }

  @Override
  public Search search(SearchRequest request) {
    return new OneShotSearch(() -> Importance.none(request.base().architecture()));
  }

  @Override
  public PruningPlan plan(PlanRequest request) {
    if (request.keepRatio() != 1) {
      throw new IllegalArgumentException(
          "keep ratio of %s must be 1, as base-extra-epochs cuts nothing, but is %s"
              .formatted(request.targetKind().text(), request.keepRatio()));
    }
    return PruningPlan.identity(request.base());
  }
}
