package dev.espalier.pruning.magnitude;

import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.pruning.method.OneShotSearch;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.method.UniformWidths;

/**
 * Control: a unit is as important as the L2 norm of its dependency group, and the same share of
 * units is kept everywhere. A global ranking of norms empties some layers and spares others.
 */
public final class Magnitude implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.MAGNITUDE;
  }

  @Override
  public Search search(SearchRequest request) {
    return new OneShotSearch(() -> GroupNorms.of(request.base()));
  }

  @Override
  public PruningPlan plan(PlanRequest request) {
    return UniformWidths.plan(request);
  }
}
