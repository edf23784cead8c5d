package dev.espalier.sweep.strategy;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** The keep ratios that a bisection may try. */
public final class KeepRatios {

  private KeepRatios() {}

  /**
   * Ascending from the smaller to the larger, {@code tolerance} apart; the last step may be
   * shorter. In decimal arithmetic, so that 0.3 + 2 * 0.05 is 0.4.
   */
  public static List<Double> between(double one, double other, double tolerance) {
    BigDecimal step = BigDecimal.valueOf(tolerance);
    BigDecimal last = BigDecimal.valueOf(Math.max(one, other));
    List<Double> ratios = new ArrayList<>();
    for (BigDecimal ratio = BigDecimal.valueOf(Math.min(one, other));
        ratio.compareTo(last) < 0;
        ratio = ratio.add(step)) {
      ratios.add(ratio.doubleValue());
    }
    ratios.add(last.doubleValue());
    return ratios;
  }
}
