package dev.espalier.pruning.nvit;

import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.Pool;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * What NViT subtracts from a unit's score ({@code methods/nvit.md} §2): {@code I^L = I - eta *
 * (Lat(W) - Lat(W without the unit))}, so that of two units of equal importance the slower one
 * goes.
 *
 * @param table measured latencies of the base
 * @param eta weight; 0 for none
 * @param perMedian whether eta is per median score over median gain of all units that may go, which
 *     means the same on every device; otherwise per second of a batch, as in the paper
 */
record LatencyGain(LatencyTable table, double eta, boolean perMedian)
    implements GlobalRanking.UnitCosts {

  /** Narrower pools get no reward, as in the authors' code. */
  private static boolean rewarded(Pool pool, int live) {
    return switch (pool.kind()) {
      case EMBEDDING -> true;
      case HEAD -> live > 2;
      case QK, V -> live > 8;
      case MLP -> live > 16;
      default -> false;
    };
  }

  @Override
  public Map<Pool, Double> of(LiveUnits units, Function<Pool, float[]> scores) {
    Map<Pool, Double> gains = gains(units);
    double weight = perMedian ? eta * scale(units, scores, gains) : eta;
    gains.replaceAll((pool, seconds) -> weight * seconds);
    return gains;
  }

  /** Seconds of a batch that one unit less of each pool saves. */
  Map<Pool, Double> gains(LiveUnits units) {
    double whole = table.milliseconds(units.shape());
    Map<Pool, Double> gains = new LinkedHashMap<>();
    for (Pool pool : units.pools()) {
      gains.put(
          pool,
          rewarded(pool, units.count(pool))
              ? (whole - table.milliseconds(units.shapeWithout(pool, 1))) / 1e3
              : 0);
    }
    return gains;
  }

  private static double scale(
      LiveUnits units, Function<Pool, float[]> scores, Map<Pool, Double> gains) {
    List<Double> allScores = new ArrayList<>();
    List<Double> allGains = new ArrayList<>();
    for (Pool pool : units.pools()) {
      float[] of = scores.apply(pool);
      for (int unit : units.units(pool)) {
        allScores.add((double) of[unit]);
        if (gains.get(pool) > 0) {
          allGains.add(gains.get(pool));
        }
      }
    }
    return allGains.isEmpty() ? 0 : median(allScores) / median(allGains);
  }

  private static double median(List<Double> values) {
    Collections.sort(values);
    int middle = values.size() / 2;
    return values.size() % 2 == 1
        ? values.get(middle)
        : (values.get(middle - 1) + values.get(middle)) / 2;
  }
}
