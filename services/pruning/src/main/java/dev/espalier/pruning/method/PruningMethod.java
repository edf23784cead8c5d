package dev.espalier.pruning.method;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
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
   * {@code keepRatio} times the base's, widths are multiples of {@code alignment} or the base's
   * own, no floor is broken; it depends on the arguments alone.
   *
   * @param importance what the search found
   * @param trajectory where a chained search stands, as its result gave it
   * @throws IllegalArgumentException where the target cannot be met, naming the least keep ratio
   */
  PruningPlan plan(
      VitArchitecture base,
      Importance importance,
      Optional<byte[]> trajectory,
      TargetKind targetKind,
      double keepRatio,
      int alignment);
}
