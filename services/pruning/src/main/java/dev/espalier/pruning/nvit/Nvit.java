package dev.espalier.pruning.nvit;

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

/** Global pruning by Taylor scores (Yang et al., CVPR 2023, arXiv 2110.04869). */
public final class Nvit implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.NVIT;
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
