package dev.espalier.architecture.plan;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The decision which units of a base model survive: indices, not only counts. Plain data with a
 * canonical JSON form and a hash.
 *
 * <p>Every list of indices is strictly ascending and within the base's width; a plan that is not is
 * refused when it is made, with the block and the list in the message.
 *
 * @param base shape of the model that is cut
 * @param embedding kept residual channels, ascending, the same in all blocks
 * @param blocks one entry per block of {@code base}
 */
public record PruningPlan(VitArchitecture base, List<Integer> embedding, List<BlockPlan> blocks) {

  public PruningPlan {
    embedding = List.copyOf(embedding);
    blocks = List.copyOf(blocks);
    PlanChecks.check(base, embedding, blocks);
  }

  /** The plan that keeps everything. */
  public static PruningPlan identity(VitArchitecture base) {
    List<BlockPlan> blocks = new ArrayList<>();
    for (BlockShape shape : base.blocks()) {
      List<Integer> mlp = range(shape.mlpHidden());
      blocks.add(
          shape.attention() == AttentionKind.MSA
              ? BlockPlan.aligned(
                  range(shape.heads()), range(shape.qkWidth()), range(shape.vWidth()), mlp)
              : new BlockPlan(true, shape.attention(), List.of(), mlp));
    }
    return new PruningPlan(base, range(base.embedding()), blocks);
  }

  /**
   * Shape of the model after the cut: removed blocks are gone, ragged heads are padded to the
   * widest of their block, the attention scale stays the base's.
   *
   * @throws IllegalArgumentException when the kept blocks' token rules do not follow one another,
   *     or a narrowed branch would read or write no kept channel
   */
  public VitArchitecture cutArchitecture() {
    List<BlockShape> shapes = new ArrayList<>();
    for (int l = 0; l < blocks.size(); l++) {
      BlockPlan block = blocks.get(l);
      BlockShape shape = base.blocks().get(l);
      if (block.kept()) {
        boolean attends = block.attention() == AttentionKind.MSA;
        shapes.add(
            new BlockShape(
                block.attention(),
                attends ? block.heads().size() : shape.heads(),
                attends ? block.qkWidth() : shape.qkWidth(),
                attends ? block.vWidth() : shape.vWidth(),
                block.mlp().size(),
                wiring(l).within(embedding),
                tokens(l)));
      }
    }
    return base.withWidths(embedding.size(), shapes);
  }

  /**
   * Shape of the full-size model that, under 0/1 gates, computes what the cut model computes: the
   * base with the plan's token rules and replacements of attention, at the base's widths.
   */
  public VitArchitecture uncutArchitecture() {
    List<BlockShape> shapes = new ArrayList<>();
    for (int l = 0; l < blocks.size(); l++) {
      BlockShape shape = base.blocks().get(l);
      shapes.add(
          new BlockShape(
              blocks.get(l).kept() ? blocks.get(l).attention() : shape.attention(),
              shape.heads(),
              shape.qkWidth(),
              shape.vWidth(),
              shape.mlpHidden(),
              shape.wiring(),
              blocks.get(l).kept() ? tokens(l) : TokenRule.ALL));
    }
    return base.withWidths(base.embedding(), shapes);
  }

  /** Wiring of a kept block in base channels: the plan's, or the base's own. */
  public Wiring wiring(int block) {
    Wiring planned = blocks.get(block).wiring();
    return planned.isAll() ? base.blocks().get(block).wiring() : planned;
  }

  /** Token rule of a kept block: the plan's, or the base's own. */
  public TokenRule tokens(int block) {
    TokenRule planned = blocks.get(block).tokens();
    return planned.equals(TokenRule.ALL) ? base.blocks().get(block).tokens() : planned;
  }

  /** Parameters and MACs of the cut model, by formula. */
  public Cost cost() {
    return Cost.of(cutArchitecture());
  }

  /**
   * Cost if each head were executed at its own width, without padding to the widest: what papers
   * with unequal heads count.
   */
  public Cost idealCost() {
    VitArchitecture cut = cutArchitecture();
    List<BlockPlan> kept = blocks.stream().filter(BlockPlan::kept).toList();
    List<BlockShape> shapes = new ArrayList<>();
    for (int l = 0; l < kept.size(); l++) {
      BlockShape shape = cut.blocks().get(l);
      List<HeadPlan> heads = kept.get(l).heads();
      // A cost sees heads and widths as their product only.
      shapes.add(
          heads.isEmpty()
              ? shape
              : BlockShape.msa(
                      1,
                      heads.stream().mapToInt(head -> head.qk().size()).sum(),
                      heads.stream().mapToInt(head -> head.v().size()).sum(),
                      shape.mlpHidden())
                  .with(shape.wiring())
                  .with(shape.tokens()));
    }
    return Cost.of(cut.withWidths(cut.embedding(), shapes));
  }

  /** Canonical JSON, see {@link PlanJson}. */
  public String toJson() {
    return PlanJson.write(this);
  }

  /** Reads {@link #toJson()}. */
  public static PruningPlan fromJson(String json) {
    return PlanJson.read(json);
  }

  /** Hex SHA-256 of the canonical JSON: equal plans, and only they, have equal hashes. */
  public String hash() {
    return Json.sha256(PlanJson.tree(this));
  }

  private static List<Integer> range(int size) {
    return IntStream.range(0, size).boxed().toList();
  }
}
