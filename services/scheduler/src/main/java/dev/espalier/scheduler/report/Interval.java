package dev.espalier.scheduler.report;

/**
 * 95 % confidence interval of a mean over seeds, by Student's t: mean ± t(0.975, n - 1) s / √n. One
 * value has none.
 */
record Interval(double low, double high) {

  /** Two-sided 95 % quantiles for 1 to 30 degrees of freedom. */
  private static final double[] T = {
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042
  };

  private static final double T_MANY = 1.96;

  /** The interval; unbounded for a single value, which says nothing about others. */
  static Interval of(Statistic statistic) {
    if (statistic.count() < 2) {
      return new Interval(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    }
    int freedom = statistic.count() - 1;
    double t = freedom <= T.length ? T[freedom - 1] : T_MANY;
    double half = t * statistic.deviation() / Math.sqrt(statistic.count());
    return new Interval(statistic.mean() - half, statistic.mean() + half);
  }

  boolean isKnown() {
    return Double.isFinite(low) && Double.isFinite(high);
  }

  /** Whether all of this lies above all of the other. */
  boolean above(Interval other) {
    return low > other.high;
  }
}
