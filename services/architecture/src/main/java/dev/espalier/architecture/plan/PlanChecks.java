package dev.espalier.architecture.plan;

import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.List;

/** What every plan must hold; floors and alignment are the planners' business. */
final class PlanChecks {

  private PlanChecks() {}

  static void check(VitArchitecture base, List<Integer> embedding, List<BlockPlan> blocks) {
    indices("embedding", embedding, base.embedding());
    want(
        blocks.size() == base.depth(),
        "plan needs one entry for each of the %d blocks but has %d",
        base.depth(),
        blocks.size());
    want(blocks.stream().anyMatch(BlockPlan::kept), "plan must keep at least one block");
    for (int l = 0; l < blocks.size(); l++) {
      block("block " + l, blocks.get(l), base.blocks().get(l), base.embedding(), embedding.size());
    }
  }

  private static void block(
      String name, BlockPlan block, BlockShape shape, int embedding, int kept) {
    if (!block.kept()) {
      want(
          block.heads().isEmpty() && block.mlp().isEmpty(),
          "%s is removed and must keep no heads or mlp units",
          name);
      want(
          block.wiring().isAll() && block.tokens().equals(TokenRule.ALL),
          "%s is removed and must have no wiring or token rule",
          name);
      return;
    }
    indices(name + " mlp", block.mlp(), shape.mlpHidden());
    block
        .wiring()
        .byName()
        .forEach(
            (list, channels) -> {
              if (!channels.isEmpty()) {
                indices(name + " " + list, channels, embedding);
              }
            });
    want(
        !(block.tokens() instanceof TokenRule.Select || shape.tokens() instanceof TokenRule.Select)
            || kept == embedding,
        "%s selects tokens and needs all %d residual channels",
        name,
        embedding);
    want(
        block.wiring().isAll() || shape.wiring().isAll(),
        "%s has a wiring already and cannot be wired again",
        name);
    want(
        block.tokens().equals(TokenRule.ALL) || shape.tokens().equals(TokenRule.ALL),
        "%s drops tokens already and cannot take another rule",
        name);
    if (block.attention() != AttentionKind.MSA) {
      want(block.heads().isEmpty(), "%s has no attention and must keep no heads", name);
      return;
    }
    want(
        shape.attention() == AttentionKind.MSA,
        "%s keeps attention that the base does not have",
        name);
    indices(name + " heads", block.headIndices(), shape.heads());
    for (HeadPlan head : block.heads()) {
      indices(name + " head " + head.head() + " qk", head.qk(), shape.qkWidth());
      indices(name + " head " + head.head() + " v", head.v(), shape.vWidth());
    }
  }

  private static void indices(String name, List<Integer> indices, int width) {
    want(!indices.isEmpty(), "%s must keep at least one unit", name);
    int before = -1;
    for (int index : indices) {
      want(
          index >= 0 && index < width,
          "%s has index %d but must stay in [0, %d)",
          name,
          index,
          width);
      want(
          index > before, "%s must be strictly ascending but has %d after %d", name, index, before);
      before = index;
    }
  }

  private static void want(boolean holds, String message, Object... arguments) {
    if (!holds) {
      throw new IllegalArgumentException(message.formatted(arguments));
    }
  }
}
