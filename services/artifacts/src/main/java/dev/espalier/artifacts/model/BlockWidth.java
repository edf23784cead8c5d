package dev.espalier.artifacts.model;

import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import java.util.ArrayList;
import java.util.List;

/**
 * One width of one block of a cut model, as the point of a curve whose step is the block. Workers
 * that make plans send these, so that boards show a plan without opening its file.
 *
 * @param name {@code block_heads}, {@code block_qk_width} and {@code block_v_width} (per head), or
 *     {@code block_mlp_width}
 * @param block from 0
 * @param value units that are left; 0 in a removed block
 */
public record BlockWidth(String name, int block, int value) {

  /** All widths of what the plan leaves. */
  public static List<BlockWidth> of(PruningPlan plan) {
    List<BlockWidth> widths = new ArrayList<>();
    List<BlockShape> blocks = plan.cutArchitecture().blocks();
    for (int block = 0; block < blocks.size(); block++) {
      BlockShape shape = blocks.get(block);
      widths.add(new BlockWidth("block_heads", block, shape.heads()));
      widths.add(new BlockWidth("block_qk_width", block, shape.qkWidth()));
      widths.add(new BlockWidth("block_v_width", block, shape.vWidth()));
      widths.add(new BlockWidth("block_mlp_width", block, shape.mlpHidden()));
    }
    return widths;
  }
}
