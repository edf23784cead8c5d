package dev.espalier.pruning.method;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Units of one pool that are removed together.
 *
 * @param pool where they are
 * @param units their indices, least important first
 */
public record Chunk(Pool pool, List<Integer> units) {

  public Chunk {
    units = List.copyOf(units);
  }

  /**
   * Cuts the live units of a pool, least important first, into chunks that leave allowed widths.
   *
   * @param widths allowed widths, ascending, the live count among them
   * @param scores of all units of the pool; equal scores go by index
   * @return in the order in which they may go; the units of the smallest width are in none
   */
  public static List<Chunk> of(
      Pool pool, List<Integer> live, double[] scores, List<Integer> widths) {
    List<Integer> ascending = new ArrayList<>(live);
    ascending.sort(
        Comparator.<Integer>comparingDouble(unit -> scores[unit])
            .thenComparingInt(Integer::intValue));
    List<Chunk> chunks = new ArrayList<>();
    int out = 0;
    for (int w = widths.size() - 1; w >= 0; w--) {
      int left = widths.get(w);
      int until = live.size() - left;
      if (until > out) {
        chunks.add(new Chunk(pool, ascending.subList(out, until)));
        out = until;
      }
    }
    return chunks;
  }
}
