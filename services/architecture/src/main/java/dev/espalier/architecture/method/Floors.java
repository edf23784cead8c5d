package dev.espalier.architecture.method;

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

  /** {@link #smallest(VitArchitecture, Set, int)} where any width may stay. */
  public static VitArchitecture smallest(VitArchitecture base, Set<UnitKind> prunes) {
    return smallest(base, prunes, 1);
  }

  /**
   * The base with every kind in {@code prunes} at its floor; the last block keeps its attention, or
   * the class token would see no patch.
   *
   * @param alignment widths are multiples of it, or the base's
   */
  public static VitArchitecture smallest(
      VitArchitecture base, Set<UnitKind> prunes, int alignment) {
    Narrow narrow = new Narrow(prunes, alignment);
    int embedding = narrow.to(UnitKind.EMBEDDING, base.embedding());
    int depth = narrow.to(UnitKind.BLOCK, base.depth());
    List<BlockShape> blocks = new ArrayList<>();
    for (int l = 0; l < depth; l++) {
      BlockShape block = base.blocks().get(l);
      boolean skips = prunes.contains(UnitKind.ATTENTION) && l < depth - 1;
      BlockShape widths =
          block.attention() == AttentionKind.MSA && !skips
              ? BlockShape.msa(
                  narrow.to(UnitKind.HEAD, block.heads()),
                  narrow.to(UnitKind.QK, block.qkWidth()),
                  narrow.to(UnitKind.V, block.vWidth()),
                  narrow.to(UnitKind.MLP, block.mlpHidden()))
              : new BlockShape(
                  skips ? AttentionKind.SKIP : block.attention(),
                  block.heads(),
                  block.qkWidth(),
                  block.vWidth(),
                  narrow.to(UnitKind.MLP, block.mlpHidden()));
      blocks.add(widths.with(wiring(block, narrow, embedding)).with(block.tokens()));
    }
    if (prunes.contains(UnitKind.TOKEN) && blocks.get(0).tokens().equals(TokenRule.ALL)) {
      blocks.set(0, blocks.get(0).with(new TokenRule.Enter(List.of(0))));
    }
    return base.withWidths(embedding, blocks);
  }

  private static Wiring wiring(BlockShape block, Narrow narrow, int embedding) {
    if (!block.wiring().isAll()) {
      return block.wiring();
    }
    return new Wiring(
        channels(narrow, UnitKind.ATTENTION_INPUT, embedding),
        channels(narrow, UnitKind.ATTENTION_OUTPUT, embedding),
        channels(narrow, UnitKind.MLP_INPUT, embedding),
        channels(narrow, UnitKind.MLP_OUTPUT, embedding));
  }

  private static List<Integer> channels(Narrow narrow, UnitKind kind, int embedding) {
    int kept = narrow.to(kind, embedding);
    return kept < embedding ? IntStream.range(0, kept).boxed().toList() : List.of();
  }

  /** Narrows what a method prunes. */
  private record Narrow(Set<UnitKind> prunes, int alignment) {
    int to(UnitKind kind, int baseWidth) {
      return prunes.contains(kind)
          ? Alignment.widths(kind, baseWidth, alignment).get(0)
          : baseWidth;
    }
  }
}
