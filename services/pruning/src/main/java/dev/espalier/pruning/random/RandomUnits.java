package dev.espalier.pruning.random;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.method.OneShotSearch;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import java.util.Optional;

/** Control: a unit is as important as a random number says. */
public final class RandomUnits implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.RANDOM;
  }

  @Override
  public Search search(SearchRequest request) {
    return new OneShotSearch(
        () -> {
          throw new UnsupportedOperationException("soon");
        });
  }

  @Override
  public PruningPlan plan(
      VitArchitecture base,
      Importance importance,
      Optional<byte[]> trajectory,
      TargetKind targetKind,
      double keepRatio,
      int alignment) {
    throw new UnsupportedOperationException("soon");
  }
}
