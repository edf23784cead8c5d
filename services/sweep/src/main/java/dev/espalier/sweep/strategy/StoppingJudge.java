package dev.espalier.sweep.strategy;

import dev.espalier.sweep.spec.StoppingRule;
import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/**
 * Judges a recovery at an epoch, against others at the same epoch after their own cut, or against
 * the base. A pure function, so that {@code what-if} asks it, too.
 */
public record StoppingJudge(StoppingRule rule, int epochs) {

  /** Whether the rule looks at this epoch at all; after the last one nothing is left to save. */
  public boolean looksAt(int epoch) {
    return epoch >= rule.graceEpochs() && epoch < epochs;
  }

  /**
   * Why to stop, or empty.
   *
   * @param others accuracies of other trials of the method and target at this epoch
   * @param base top-1 accuracy of the base; NaN while it is not known
   */
  public Optional<String> judge(
      int epoch, double top1Accuracy, Collection<Double> others, double base) {
    if (!looksAt(epoch)) {
      return Optional.empty();
    }
    if (rule instanceof StoppingRule.Median median) {
      double[] known = others.stream().mapToDouble(Double::doubleValue).toArray();
      if (known.length < median.minTrials()) {
        return Optional.empty();
      }
      double middle = median(known);
      return top1Accuracy >= middle || Double.isNaN(middle)
          ? Optional.empty()
          : Optional.of(
              String.format(
                  Locale.ROOT,
                  "top-1 %.4f after epoch %d is below %.4f, the median of %d others of its method"
                      + " and target at that epoch",
                  top1Accuracy,
                  epoch,
                  middle,
                  known.length));
    }
    if (rule instanceof StoppingRule.Loss loss) {
      return Double.isNaN(base) || base - top1Accuracy <= loss.maxLoss()
          ? Optional.empty()
          : Optional.of(
              String.format(
                  Locale.ROOT,
                  "top-1 %.4f after epoch %d is more than %s below the base's %.4f",
                  top1Accuracy,
                  epoch,
                  loss.maxLoss(),
                  base));
    }
    return Optional.empty();
  }

  /** NaN sorts as the smallest: a diverged trial makes the others look no worse. */
  static double median(double[] values) {
    double[] sorted = Arrays.stream(values).map(x -> Double.isNaN(x) ? -1 : x).sorted().toArray();
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
}
