package dev.espalier.scheduler.report;

import static java.util.Comparator.comparing;

import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.scheduler.report.SweepResults.CellResult;
import dev.espalier.scheduler.report.SweepResults.TrialResult;
import dev.espalier.sweep.spec.MethodLabels;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a sweep says for or against each configuration: figures over seeds, and differences to a
 * random control of the same budget, seed by seed, since both were recovered with the same batches.
 */
final class Evidence {

  static final String BEFORE = "top1_before_recovery";
  static final String AFTER = "top1_accuracy";

  private final SweepResults results;

  Evidence(SweepResults results) {
    this.results = results;
  }

  /**
   * The control that draws at random what the cell's method chooses: tokens for methods that drop
   * only tokens, units for all others; units where the sweep has no random tokens. Of several, the
   * one with the cell's own parameters.
   */
  Optional<CellResult> control(CellResult cell) {
    boolean tokens =
        Methods.find(MethodLabels.plain(cell.method()))
            .map(method -> method.prunes().equals(Set.of(UnitKind.TOKEN)))
            .orElse(false);
    Optional<CellResult> same = tokens ? control(Methods.RANDOM_TOKENS, cell) : Optional.empty();
    return same.or(() -> control(Methods.RANDOM, cell));
  }

  private Optional<CellResult> control(MethodDescriptor method, CellResult cell) {
    String differing = MethodLabels.differing(cell.method());
    return results.cells().stream()
        .filter(other -> MethodLabels.plain(other.method()).equals(method.name()))
        .filter(other -> other.redistribution().equals("none"))
        .filter(other -> other.targetKind().equals(cell.targetKind()))
        .filter(other -> other.keepRatio() == cell.keepRatio())
        .min(comparing(other -> !MethodLabels.differing(other.method()).equals(differing)));
  }

  /**
   * Differences of a measurement over the seeds that both have; empty where the cell is its own
   * control, has none, or no seed in common with it.
   */
  Optional<Statistic> difference(CellResult cell, String measurement) {
    Optional<CellResult> control = control(cell);
    if (control.isEmpty() || control.get().cellId().equals(cell.cellId())) {
      return Optional.empty();
    }
    Map<Long, Double> theirs = bySeed(control.get(), measurement);
    List<Double> differences = new ArrayList<>();
    bySeed(cell, measurement)
        .forEach(
            (seed, value) -> {
              if (theirs.containsKey(seed)) {
                differences.add(value - theirs.get(seed));
              }
            });
    return differences.isEmpty() ? Optional.empty() : Optional.of(Statistic.of(differences));
  }

  private Map<Long, Double> bySeed(CellResult cell, String measurement) {
    Map<Long, Double> values = new LinkedHashMap<>();
    for (TrialResult trial : results.trials()) {
      Double value = trial.measurements().get(measurement);
      if (trial.cellId().equals(cell.cellId())
          && trial.state().equals("SUCCEEDED")
          && value != null
          && Double.isFinite(value)) {
        values.put(trial.seed(), value);
      }
    }
    return values;
  }

  /** What an interval of differences allows to say. */
  enum Verdict {
    ABOVE,
    BELOW,
    /** The interval holds 0. */
    LEVEL,
    /** One seed, or nothing to compare with. */
    UNKNOWN
  }

  Verdict verdict(CellResult cell, String measurement) {
    Optional<Interval> interval = difference(cell, measurement).map(Interval::of);
    if (interval.isEmpty() || !interval.get().isKnown()) {
      return Verdict.UNKNOWN;
    }
    if (interval.get().low() > 0) {
      return Verdict.ABOVE;
    }
    return interval.get().high() < 0 ? Verdict.BELOW : Verdict.LEVEL;
  }

  /** Whether a paper claims that the method knows better than chance what to keep. */
  static boolean claims(CellResult cell) {
    return Methods.find(MethodLabels.plain(cell.method()))
        .map(method -> !method.paper().isEmpty())
        .orElse(cell.method().contains("-then-"));
  }
}
