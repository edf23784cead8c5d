package dev.espalier.pruning.nvit;

import dev.espalier.architecture.method.Floors;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.pruning.method.Chunk;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.Pool;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * One ranking over all groups ({@code methods/nvit.md} §3): in each pool the live units are sorted
 * and cut into chunks, then the chunks of all pools compete. Only live chunks are ranked, and the
 * widths that they leave are multiples of the chunk, not below the floors.
 *
 * @param sizes units of a chunk
 * @param mean true ranks chunks by the mean of their units' scores; the paper sums
 * @param costs what is subtracted from a unit's score
 */
record GlobalRanking(ChunkSizes sizes, boolean mean, UnitCosts costs) {

  /** What is subtracted from the score of each live unit for what it costs, by pool. */
  @FunctionalInterface
  interface UnitCosts {

    /** Importance alone counts. */
    UnitCosts NONE = (units, scores) -> Map.of();

    /** Costs as things stand; a pool that is not in the map costs nothing. */
    Map<Pool, Double> of(LiveUnits units, Function<Pool, float[]> scores);
  }

  /**
   * A chunk and its place.
   *
   * @param score the lowest goes first
   */
  record Ranked(Chunk chunk, double score) {}

  /** A ranking by scores alone. */
  static GlobalRanking ofScores(ChunkSizes sizes, boolean mean) {
    return new GlobalRanking(sizes, mean, UnitCosts.NONE);
  }

  /** Chunks that may go, lowest first; equal scores in the order of the pools. */
  List<Ranked> rank(LiveUnits units, Function<Pool, float[]> scores) {
    List<Ranked> ranked = new ArrayList<>();
    Map<Pool, Double> subtracted = costs.of(units, scores);
    for (Pool pool : units.pools()) {
      double[] adjusted = adjusted(subtracted.getOrDefault(pool, 0.0), scores.apply(pool));
      List<Integer> widths = widths(pool, units.count(pool));
      for (Chunk chunk : Chunk.of(pool, units.units(pool), adjusted, widths)) {
        double sum = chunk.units().stream().mapToDouble(unit -> adjusted[unit]).sum();
        ranked.add(new Ranked(chunk, mean ? sum / chunk.units().size() : sum));
      }
    }
    ranked.sort(Comparator.comparingDouble(Ranked::score)); // stable: pools keep their order
    return ranked;
  }

  private static double[] adjusted(double cost, float[] scores) {
    double[] adjusted = new double[scores.length];
    for (int i = 0; i < scores.length; i++) {
      adjusted[i] = scores[i] - cost;
    }
    return adjusted;
  }

  /** The live count, and the multiples of the chunk below it down to the floor. */
  private List<Integer> widths(Pool pool, int live) {
    int size = sizes.of(pool.kind());
    int floor = Floors.of(pool.kind(), live);
    List<Integer> widths = new ArrayList<>();
    for (int width = (floor + size - 1) / size * size; width < live; width += size) {
      widths.add(width);
    }
    widths.add(live);
    return widths;
  }

  /** Units of a chunk, by kind. */
  record ChunkSizes(int embedding, int head, int qk, int v, int mlp) {

    int of(UnitKind kind) {
      return switch (kind) {
        case EMBEDDING -> embedding;
        case HEAD -> head;
        case QK -> qk;
        case V -> v;
        case MLP -> mlp;
        default -> throw new IllegalArgumentException("NViT does not rank " + kind.text());
      };
    }

    /** The least sizes that these and the alignment divide; heads know no alignment. */
    ChunkSizes alignedTo(int alignment) {
      return new ChunkSizes(
          multiple(embedding, alignment),
          head,
          multiple(qk, alignment),
          multiple(v, alignment),
          multiple(mlp, alignment));
    }

    private static int multiple(int size, int alignment) {
      int a = size;
      int b = alignment;
      while (b != 0) {
        int rest = a % b;
        a = b;
        b = rest;
      }
      return size / a * alignment;
    }
  }
}
