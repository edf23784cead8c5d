package dev.espalier.architecture.latency;

import dev.espalier.architecture.method.Floors;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.ToIntFunction;

/**
 * The shapes whose forward passes a table is made of: the base with all blocks of equal widths,
 * over a grid of embedding, heads, query/key and value widths with the smallest MLPs, and over a
 * grid of embedding and MLP width with the base's whole attention. Two small grids instead of one
 * large one, since attention and MLP run one after the other.
 *
 * @param base the unpruned model
 * @param embedding residual widths, smallest to the base's
 * @param heads heads of a block
 * @param qk query/key widths of a head
 * @param v value widths of a head
 * @param mlp hidden widths
 */
public record LatencyGrid(
    VitArchitecture base,
    List<Integer> embedding,
    List<Integer> heads,
    List<Integer> qk,
    List<Integer> v,
    List<Integer> mlp) {

  private static final int EMBEDDINGS = 4;
  private static final int HEADS = 4;
  private static final int CHANNELS = 3;
  private static final int MLPS = 5;
  private static final int WHOLE = 8;
  private static final int MULTIPLE = 8;

  public LatencyGrid {
    embedding = List.copyOf(embedding);
    heads = List.copyOf(heads);
    qk = List.copyOf(qk);
    v = List.copyOf(v);
    mlp = List.copyOf(mlp);
    check(base);
  }

  /**
   * The grid for a base: evenly from the floors to its own widths, multiples of 8 between.
   *
   * @throws IllegalArgumentException for a base with blocks that have no attention or drop tokens
   */
  public static LatencyGrid of(VitArchitecture base) {
    check(base);
    return new LatencyGrid(
        base,
        even(UnitKind.EMBEDDING, base.embedding(), EMBEDDINGS),
        even(UnitKind.HEAD, widest(base, BlockShape::heads), HEADS),
        even(UnitKind.QK, widest(base, BlockShape::qkWidth), CHANNELS),
        even(UnitKind.V, widest(base, BlockShape::vWidth), CHANNELS),
        even(UnitKind.MLP, widest(base, BlockShape::mlpHidden), MLPS));
  }

  private static void check(VitArchitecture base) {
    for (int l = 0; l < base.depth(); l++) {
      BlockShape block = base.blocks().get(l);
      if (block.attention() != AttentionKind.MSA
          || !block.tokens().equals(TokenRule.ALL)
          || !block.wiring().isAll()) {
        throw new IllegalArgumentException(
            ("a latency table needs plain attention over all tokens and channels in every block but"
                    + " block %d has %s")
                .formatted(l, block));
      }
    }
  }

  private static int widest(VitArchitecture base, ToIntFunction<BlockShape> width) {
    return base.blocks().stream().mapToInt(width).max().orElseThrow();
  }

  private static List<Integer> even(UnitKind kind, int most, int points) {
    int least = Floors.of(kind, most);
    int multiple = kind == UnitKind.HEAD ? 1 : MULTIPLE;
    Set<Integer> widths = new TreeSet<>(Set.of(least, most));
    for (int i = 1; i < points - 1; i++) {
      double width = least + (double) i * (most - least) / (points - 1);
      int rounded = (int) Math.round(width / multiple) * multiple;
      if (rounded > least && rounded < most) {
        widths.add(rounded);
      }
    }
    return new ArrayList<>(widths);
  }

  List<List<Integer>> attentionAxes() {
    return List.of(embedding, heads, qk, v);
  }

  List<List<Integer>> mlpAxes() {
    return List.of(embedding, mlp);
  }

  /** Shapes to time for the attention grid, in its order: all MLPs as narrow as they get. */
  public List<VitArchitecture> attentionShapes() {
    return Grid.points(attentionAxes()).stream()
        .map(point -> shape(point[0], point[1], point[2], point[3], mlp.get(0)))
        .toList();
  }

  /** Shapes to time for the MLP grid, in its order: all attention as wide as it gets. */
  public List<VitArchitecture> mlpShapes() {
    return Grid.points(mlpAxes()).stream()
        .map(point -> shape(point[0], last(heads), last(qk), last(v), point[1]))
        .toList();
  }

  /** Shapes to calibrate by: from near the floors to the base, all widths shrinking together. */
  public List<VitArchitecture> wholeShapes() {
    List<VitArchitecture> shapes = new ArrayList<>();
    for (int i = 1; i <= WHOLE; i++) {
      double share = (double) i / WHOLE;
      shapes.add(
          shape(
              between(embedding, share, MULTIPLE),
              between(heads, share, 1),
              between(qk, share, MULTIPLE),
              between(v, share, MULTIPLE),
              between(mlp, share, MULTIPLE)));
    }
    return shapes;
  }

  private static int between(List<Integer> widths, double share, int multiple) {
    double width = widths.get(0) + share * (last(widths) - widths.get(0));
    int rounded = (int) Math.round(width / multiple) * multiple;
    return Math.max(widths.get(0), Math.min(last(widths), share == 1 ? last(widths) : rounded));
  }

  private VitArchitecture shape(int d, int H, int q, int v, int M) {
    return base.withWidths(d, Collections.nCopies(base.depth(), BlockShape.msa(H, q, v, M)));
  }

  private static int last(List<Integer> widths) {
    return widths.get(widths.size() - 1);
  }
}
