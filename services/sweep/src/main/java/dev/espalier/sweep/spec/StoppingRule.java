package dev.espalier.sweep.spec;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * When a trial is stopped before its recovery is over. Epochs count from the cut, so that trials
 * are compared at the same point of their own recovery, and none is judged before {@link
 * #graceEpochs}: right after a cut accuracy is near zero and says nothing.
 */
public sealed interface StoppingRule {

  List<String> NAMES = List.of("none", "median", "loss");

  String name();

  /** The first epoch after the cut at which a trial may be stopped. */
  int graceEpochs();

  /** The form in a sweep. */
  Map<String, Object> toTree();

  /** Every trial recovers to the end. */
  record None() implements StoppingRule {
    @Override
    public String name() {
      return "none";
    }

    @Override
    public int graceEpochs() {
      return Integer.MAX_VALUE;
    }

    @Override
    public Map<String, Object> toTree() {
      return Map.of("name", name());
    }
  }

  /**
   * Stops a trial that is below the median of the others of its method and target at the same
   * epoch.
   *
   * @param minTrials others that must have come that far
   */
  record Median(int graceEpochs, int minTrials) implements StoppingRule {
    @Override
    public String name() {
      return "median";
    }

    @Override
    public Map<String, Object> toTree() {
      return new TreeMap<>(
          Map.of("name", name(), "graceEpochs", graceEpochs, "minTrials", minTrials));
    }
  }

  /**
   * Stops a trial that is more than {@code maxLoss} below the base. It knows the base's accuracy
   * once the first trial of the sweep was evaluated, and judges nobody before.
   *
   * @param maxLoss share of images, in (0, 1)
   */
  record Loss(int graceEpochs, double maxLoss) implements StoppingRule {
    @Override
    public String name() {
      return "loss";
    }

    @Override
    public Map<String, Object> toTree() {
      return new TreeMap<>(Map.of("name", name(), "graceEpochs", graceEpochs, "maxLoss", maxLoss));
    }
  }
}
