package dev.espalier.pruning.sparsity;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Order in which gates fall, after network slimming: within a pool the smallest scores first. Equal
 * ones go by relative position, then by site, so that equal gates thin all sites evenly ({@code
 * methods/vtp.md} §3).
 */
public final class GateRanking {

  private GateRanking() {}

  /**
   * Gates of one tensor.
   *
   * @param pool gates of equal pools are ranked together
   * @param scores larger is more important
   */
  public record Site(Object pool, double[] scores) {}

  private record Gate(int site, int index, double score, double position) {}

  /**
   * When each gate falls: the share of its pool that is gone once it is, in (0, 1]. Of a pool of n
   * with pruning rate p those with a share of at most {@code floor(p n) / n} are removed.
   *
   * @return one array per site, as long as its scores
   */
  public static List<double[]> fallsAt(List<Site> sites) {
    Map<Object, List<Gate>> pools = new HashMap<>();
    List<double[]> shares = new ArrayList<>();
    for (int s = 0; s < sites.size(); s++) {
      double[] scores = sites.get(s).scores();
      shares.add(new double[scores.length]);
      List<Gate> pool = pools.computeIfAbsent(sites.get(s).pool(), key -> new ArrayList<>());
      for (int j = 0; j < scores.length; j++) {
        pool.add(new Gate(s, j, scores[j], (double) j / scores.length));
      }
    }
    for (List<Gate> pool : pools.values()) {
      pool.sort(
          Comparator.comparingDouble(Gate::score)
              .thenComparingDouble(Gate::position)
              .thenComparingInt(Gate::site));
      for (int r = 0; r < pool.size(); r++) {
        shares.get(pool.get(r).site())[pool.get(r).index()] = (r + 1.0) / pool.size();
      }
    }
    return shares;
  }

  /** How many of n gates go at pruning rate p: floor(p n), safe from rounding. */
  public static int removed(double p, int n) {
    return (int) Math.floor(p * n + 1e-9);
  }
}
