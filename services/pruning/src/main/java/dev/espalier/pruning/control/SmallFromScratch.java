package dev.espalier.pruning.control;

import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.method.OneShotSearch;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.method.UniformWidths;
import dev.espalier.pruning.vit.VitInitializer;
import java.util.Optional;

/**
 * Control: a fresh model with the widths of the magnitude control, which inherits nothing. Its
 * search draws full-size weights from the seed; a slice of independent numbers of one distribution
 * is a small model's fresh weights, so the cut is the same as everybody's. What is called accuracy
 * before recovery is that of an untrained model.
 */
public final class SmallFromScratch implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.SMALL_FROM_SCRATCH;
  }

  @Override
  public Search search(SearchRequest request) {
    VitArchitecture base = request.base().architecture();
    return OneShotSearch.finding(
        () ->
            new Search.Result(
                Importance.none(base),
                Optional.empty(),
                Optional.of(VitInitializer.weights(base, request.seed()))));
  }

  @Override
  public PruningPlan plan(PlanRequest request) {
    return UniformWidths.plan(request);
  }
}
