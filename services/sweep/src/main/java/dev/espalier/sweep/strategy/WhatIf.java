package dev.espalier.sweep.strategy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Applies a strategy or a stopping rule to curves that were recorded under another one. Epochs are
 * taken in the order in which they were recorded; those of a trial that would have waited for its
 * promotion count from then on. Where a trial would have trained beyond what is recorded, its tail
 * stays unknown: nothing is extrapolated.
 */
public final class WhatIf {

  /** How a trial would have ended. */
  public enum Fate {
    /** As it did. */
    KEPT,
    /** Earlier than it did. */
    STOPPED,
    /** It would have gone on beyond its record, or waits for others that would have. */
    UNKNOWN
  }

  /**
   * A trial of the sweep.
   *
   * @param succeeded whether its recovery is on record to the end
   * @param failed whether it ended through a fault of its own
   * @param curve top-1 by epochs since the cut
   * @param top1 what its evaluation measured; NaN for none
   */
  public record Recorded(
      String trialId,
      CellRef cell,
      boolean succeeded,
      boolean failed,
      Map<Integer, Double> curve,
      double top1) {

    int lastEpoch() {
      return curve.keySet().stream().mapToInt(Integer::intValue).max().orElse(0);
    }
  }

  /** An epoch of a trial, in the order of the record. */
  public record Arrival(String trialId, int epoch) {}

  /**
   * What would have become of a trial.
   *
   * @param stopEpoch after which it would have been stopped
   * @param epochs on record
   * @param savedEpochs of those, the ones that would not have been trained
   * @param reason why it would have been stopped, or what is not known; empty for the kept
   */
  public record Outcome(
      String trialId,
      CellRef cell,
      Fate fate,
      OptionalInt stopEpoch,
      int epochs,
      int savedEpochs,
      double top1,
      String reason) {}

  /**
   * The best trial of a target.
   *
   * @param fate what would have become of it
   * @param bestKept the best of those that would have been kept; empty if none
   */
  public record Winner(
      String target, String trialId, double top1, Fate fate, Optional<Outcome> bestKept) {}

  /** The whole answer. */
  public record Answer(
      List<Outcome> trials, int epochs, int savedEpochs, int unknown, List<Winner> winners) {}

  private final Map<String, Recorded> trials = new LinkedHashMap<>();
  private final Map<String, Deque<Arrival>> waiting = new HashMap<>();
  private final Map<String, Verdict.Stop> stops = new HashMap<>();
  private final Set<String> over = new HashSet<>();
  private Search search;

  private WhatIf(SearchRules rules, List<Recorded> recorded, double base) {
    long cells = recorded.stream().map(trial -> trial.cell().cellId()).distinct().count();
    this.search = Search.of(rules, (int) cells).withBase(base);
    recorded.forEach(trial -> trials.put(trial.trialId(), trial));
  }

  /**
   * @param rules what would have been asked for
   * @param arrivals every recorded epoch, in the order of the record
   * @param base top-1 accuracy of the base; NaN if it was not measured
   */
  public static Answer of(
      SearchRules rules, List<Recorded> recorded, List<Arrival> arrivals, double base) {
    WhatIf question = new WhatIf(rules, recorded, base);
    Map<String, Integer> left = new HashMap<>();
    arrivals.forEach(arrival -> left.merge(arrival.trialId(), 1, Integer::sum));
    // What failed before its first epoch was known to have failed from the start.
    recorded.stream().filter(trial -> !left.containsKey(trial.trialId())).forEach(question::end);
    for (Arrival arrival : arrivals) {
      question.take(arrival);
      if (left.merge(arrival.trialId(), -1, Integer::sum) == 0) {
        question.end(question.trials.get(arrival.trialId()));
      }
    }
    return question.answer();
  }

  /** A failed trial is out of the race; one that was stopped or cancelled has an unknown tail. */
  private void end(Recorded trial) {
    if (trial.failed() && over.add(trial.trialId())) {
      search = search.ended(trial.trialId(), trial.cell(), true, Double.NaN);
      climb(trial.cell());
    }
  }

  private void take(Arrival arrival) {
    Recorded trial = trials.get(arrival.trialId());
    String id = trial.trialId();
    if (stops.containsKey(id)) {
      return;
    }
    if (waiting.containsKey(id)) {
      waiting.get(id).add(arrival);
      return;
    }
    if (!search.asksFor(id, trial.cell(), arrival.epoch())) {
      return;
    }
    search = search.reached(id, trial.cell(), arrival.epoch(), trial.curve().get(arrival.epoch()));
    waiting.put(id, new ArrayDeque<>());
    climb(trial.cell());
    search.judge(id, trial.cell(), arrival.epoch()).ifPresent(this::obey);
    climb(trial.cell());
    if (!search.awaitsPromotion(id, trial.cell(), arrival.epoch())) {
      release(id);
    }
  }

  private void climb(CellRef cell) {
    for (Optional<Verdict> verdict = search.next(cell.target());
        verdict.isPresent();
        verdict = search.next(cell.target())) {
      obey(verdict.get());
    }
  }

  private void obey(Verdict verdict) {
    if (verdict instanceof Verdict.Stop stop) {
      stops.put(stop.trialId(), stop);
      search = search.stopped(stop.trialId(), stop.cellId());
      return;
    }
    Verdict.Promote promote = (Verdict.Promote) verdict;
    search = search.promoted(promote.cellId(), promote.rung());
    promote.trialIds().forEach(this::release);
  }

  /** It trains on: what was recorded of it meanwhile comes now. */
  private void release(String trialId) {
    Deque<Arrival> later = waiting.remove(trialId);
    if (later != null) {
      later.forEach(this::take);
    }
  }

  private Answer answer() {
    List<Outcome> outcomes = trials.values().stream().map(this::outcome).toList();
    Map<String, Recorded> best = new LinkedHashMap<>();
    for (Recorded trial : trials.values()) {
      if (!Double.isNaN(trial.top1())) {
        best.merge(trial.cell().target(), trial, (a, b) -> b.top1() > a.top1() ? b : a);
      }
    }
    List<Winner> winners = new ArrayList<>();
    best.forEach(
        (target, trial) -> {
          Fate fate =
              outcomes.stream()
                  .filter(outcome -> outcome.trialId().equals(trial.trialId()))
                  .findFirst()
                  .orElseThrow()
                  .fate();
          Optional<Outcome> kept =
              outcomes.stream()
                  .filter(o -> o.fate() == Fate.KEPT && o.cell().target().equals(target))
                  .filter(o -> !Double.isNaN(o.top1()))
                  .max((a, b) -> Double.compare(a.top1(), b.top1()));
          winners.add(new Winner(target, trial.trialId(), trial.top1(), fate, kept));
        });
    return new Answer(
        outcomes,
        outcomes.stream().mapToInt(Outcome::epochs).sum(),
        outcomes.stream().mapToInt(Outcome::savedEpochs).sum(),
        (int) outcomes.stream().filter(outcome -> outcome.fate() == Fate.UNKNOWN).count(),
        winners);
  }

  private Outcome outcome(Recorded trial) {
    int epochs = trial.lastEpoch();
    Verdict.Stop stop = stops.get(trial.trialId());
    if (stop != null) {
      return new Outcome(
          trial.trialId(),
          trial.cell(),
          Fate.STOPPED,
          OptionalInt.of(stop.epoch()),
          epochs,
          Math.max(0, epochs - stop.epoch()),
          trial.top1(),
          stop.reason());
    }
    boolean waits = waiting.containsKey(trial.trialId());
    boolean known = !waits && (trial.succeeded() || trial.failed());
    return new Outcome(
        trial.trialId(),
        trial.cell(),
        known ? Fate.KEPT : Fate.UNKNOWN,
        OptionalInt.empty(),
        epochs,
        0,
        trial.top1(),
        known
            ? ""
            : waits
                ? "waits for others whose record ends too early"
                : "its record ends after epoch %d of %d"
                    .formatted(epochs, search.rules().epochs()));
  }
}
