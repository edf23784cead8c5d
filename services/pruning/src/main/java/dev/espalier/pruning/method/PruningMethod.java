package dev.espalier.pruning.method;

import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.Tensor;
import java.util.Map;
import java.util.Optional;

/**
 * A way to decide which units of a ViT go ({@code methods/README.md} §6). A {@link #search} learns
 * how important each unit is, a {@link #plan} turns that into kept indices for one target. What
 * follows, cut, redistribution and recovery, is the same for all methods.
 */
public interface PruningMethod {

  /** What the method is and may be told. */
  MethodDescriptor descriptor();

  /** Opens a search; whoever asks closes it. */
  Search search(SearchRequest request);

  /**
   * Decides what is kept. The plan's cost is within max(1 %, half the method's smallest step) of
   * the keep ratio times the base's, widths are multiples of the alignment or the base's own, no
   * floor is broken; it depends on the request alone.
   *
   * @throws IllegalArgumentException where the target cannot be met, naming the least keep ratio
   */
  PruningPlan plan(PlanRequest request);

  /**
   * Tensors that the cut model has and the base has not, or has otherwise: predictors,
   * convolutions, another classifier. By the names of the uncut model ({@link
   * PruningPlan#uncutArchitecture}); only asked of methods whose descriptor says that they bring
   * some.
   *
   * @param findings of the search
   */
  default Map<String, Tensor> brought(PruningPlan plan, Optional<byte[]> findings) {
    return Map.of();
  }
}
