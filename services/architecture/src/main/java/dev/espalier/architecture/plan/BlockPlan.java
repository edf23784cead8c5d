package dev.espalier.architecture.plan;

import dev.espalier.architecture.vit.AttentionKind;
import java.util.List;

/**
 * What is kept of one encoder block.
 *
 * @param kept false removes the whole block
 * @param attention what mixes tokens afterwards
 * @param heads kept heads, ascending by index
 * @param mlp kept hidden units of the MLP, ascending
 */
public record BlockPlan(
    boolean kept, AttentionKind attention, List<HeadPlan> heads, List<Integer> mlp) {

  public BlockPlan {
    heads = List.copyOf(heads);
    mlp = List.copyOf(mlp);
  }
}
