package dev.espalier.architecture.plan;

import dev.espalier.architecture.vit.VitArchitecture;
import java.util.List;

/**
 * The decision which units of a base model survive: indices, not only counts. Plain data with a
 * canonical JSON form and a hash.
 *
 * @param base shape of the model that is cut
 * @param embedding kept residual channels, ascending, the same in all blocks
 * @param blocks one entry per block of {@code base}
 */
public record PruningPlan(VitArchitecture base, List<Integer> embedding, List<BlockPlan> blocks) {

  public PruningPlan {
    embedding = List.copyOf(embedding);
    blocks = List.copyOf(blocks);
  }
}
