package dev.espalier.architecture.method;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.List;
import java.util.Set;

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

  /** The base with every kind in {@code prunes} at its floor. */
  public static VitArchitecture smallest(VitArchitecture base, Set<UnitKind> prunes) {
    List<BlockShape> blocks =
        base.blocks().stream()
            .map(
                block ->
                    block.attention() == AttentionKind.MSA
                        ? BlockShape.msa(
                            width(prunes, UnitKind.HEAD, block.heads()),
                            width(prunes, UnitKind.QK, block.qkWidth()),
                            width(prunes, UnitKind.V, block.vWidth()),
                            width(prunes, UnitKind.MLP, block.mlpHidden()))
                        : new BlockShape(
                            block.attention(),
                            block.heads(),
                            block.qkWidth(),
                            block.vWidth(),
                            width(prunes, UnitKind.MLP, block.mlpHidden())))
            .toList();
    return base.withWidths(width(prunes, UnitKind.EMBEDDING, base.embedding()), blocks);
  }

  /** Cost of {@link #smallest} as a share of the base's. */
  public static double keepRatio(VitArchitecture base, Set<UnitKind> prunes, TargetKind kind) {
    return Cost.of(smallest(base, prunes)).keepRatio(Cost.of(base), kind);
  }

  private static int width(Set<UnitKind> prunes, UnitKind kind, int baseWidth) {
    return prunes.contains(kind) ? of(kind, baseWidth) : baseWidth;
  }
}
