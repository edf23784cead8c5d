package dev.espalier.architecture.method;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The widths below which no method cuts ({@code methods/README.md} §6): one head, 8 query/key and 8
 * value channels per head and 16 hidden units per block, 16 residual channels, read or written ones
 * too. A base that is narrower keeps all it has.
 */
public final class Floors {

  public static final int HEADS = 1;
  public static final int QK = 8;
  public static final int V = 8;
  public static final int MLP = 16;
  public static final int EMBEDDING = 16;

  private Floors() {}

  /** The smallest width of that kind where the base has {@code baseWidth}. */
  public static int of(UnitKind kind, int baseWidth) {
    int floor =
        switch (kind) {
          case EMBEDDING -> EMBEDDING;
          case HEAD -> HEADS;
          case QK -> QK;
          case V -> V;
          case MLP -> MLP;
          case ATTENTION_INPUT, ATTENTION_OUTPUT, MLP_INPUT, MLP_OUTPUT -> EMBEDDING;
          case TOKEN, BLOCK, ATTENTION -> 1;
        };
    return Math.min(floor, baseWidth);
  }

  /**
   * The base with every kind in {@code prunes} at its floor; the last block keeps its attention, or
   * the class token would see no patch.
   */
  public static VitArchitecture smallest(VitArchitecture base, Set<UnitKind> prunes) {
    int embedding = width(prunes, UnitKind.EMBEDDING, base.embedding());
    int depth = width(prunes, UnitKind.BLOCK, base.depth());
    List<BlockShape> blocks = new ArrayList<>();
    for (int l = 0; l < depth; l++) {
      BlockShape block = base.blocks().get(l);
      boolean skips = prunes.contains(UnitKind.ATTENTION) && l < depth - 1;
      BlockShape widths =
          block.attention() == AttentionKind.MSA && !skips
              ? BlockShape.msa(
                  width(prunes, UnitKind.HEAD, block.heads()),
                  width(prunes, UnitKind.QK, block.qkWidth()),
                  width(prunes, UnitKind.V, block.vWidth()),
                  width(prunes, UnitKind.MLP, block.mlpHidden()))
              : new BlockShape(
                  skips ? AttentionKind.SKIP : block.attention(),
                  block.heads(),
                  block.qkWidth(),
                  block.vWidth(),
                  width(prunes, UnitKind.MLP, block.mlpHidden()));
      blocks.add(widths.with(wiring(block, prunes, embedding)).with(block.tokens()));
    }
    if (prunes.contains(UnitKind.TOKEN) && blocks.get(0).tokens().equals(TokenRule.ALL)) {
      blocks.set(0, blocks.get(0).with(new TokenRule.Enter(List.of(0))));
    }
    return base.withWidths(embedding, blocks);
  }

  private static Wiring wiring(BlockShape block, Set<UnitKind> prunes, int embedding) {
    if (!block.wiring().isAll()) {
      return block.wiring();
    }
    return new Wiring(
        channels(prunes, UnitKind.ATTENTION_INPUT, embedding),
        channels(prunes, UnitKind.ATTENTION_OUTPUT, embedding),
        channels(prunes, UnitKind.MLP_INPUT, embedding),
        channels(prunes, UnitKind.MLP_OUTPUT, embedding));
  }

  private static List<Integer> channels(Set<UnitKind> prunes, UnitKind kind, int embedding) {
    return prunes.contains(kind)
        ? IntStream.range(0, of(kind, embedding)).boxed().toList()
        : List.of();
  }

  /** Cost of {@link #smallest} as a share of the base's. */
  public static double keepRatio(VitArchitecture base, Set<UnitKind> prunes, TargetKind kind) {
    return Cost.of(smallest(base, prunes)).keepRatio(Cost.of(base), kind);
  }

  private static int width(Set<UnitKind> prunes, UnitKind kind, int baseWidth) {
    return prunes.contains(kind) ? of(kind, baseWidth) : baseWidth;
  }
}
