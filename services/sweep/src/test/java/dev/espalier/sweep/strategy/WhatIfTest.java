package dev.espalier.sweep.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.sweep.spec.StoppingRule;
import dev.espalier.sweep.spec.Strategy;
import dev.espalier.sweep.strategy.WhatIf.Fate;
import dev.espalier.sweep.strategy.WhatIf.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class WhatIfTest {

  private static final double BASE = 0.9;

  /** All trials train at the same pace. */
  private static List<WhatIf.Arrival> together(List<WhatIf.Recorded> trials, int epochs) {
    List<WhatIf.Arrival> arrivals = new ArrayList<>();
    for (int epoch = 1; epoch <= epochs; epoch++) {
      for (WhatIf.Recorded trial : trials) {
        if (trial.curve().containsKey(epoch)) {
          arrivals.add(new WhatIf.Arrival(trial.trialId(), epoch));
        }
      }
    }
    return arrivals;
  }

  private static WhatIf.Recorded trial(String cell, boolean succeeded, double... curve) {
    Map<Integer, Double> byEpoch = new TreeMap<>();
    for (int i = 0; i < curve.length; i++) {
      byEpoch.put(i + 1, curve[i]);
    }
    return new WhatIf.Recorded(
        cell + "-s0",
        new CellRef(cell, "any", "macs 0.5"),
        succeeded,
        false,
        byEpoch,
        succeeded ? curve[curve.length - 1] : Double.NaN);
  }

  private static WhatIf.Answer ask(
      Strategy strategy, StoppingRule rule, List<WhatIf.Recorded> trials, double base) {
    return WhatIf.of(
        new SearchRules(strategy, rule, 4, 1, List.of(0.5)), trials, together(trials, 4), base);
  }

  @Test
  void countsWhatTheMedianRuleSavesAndNamesALostWinner() {
    // The late bloomer wins in the end and is below the median after two epochs.
    List<WhatIf.Recorded> trials =
        List.of(
            trial("a", true, 0.1, 0.5, 0.6, 0.7),
            trial("b", true, 0.1, 0.6, 0.6, 0.6),
            trial("late", true, 0.1, 0.2, 0.7, 0.9));
    WhatIf.Answer answer = ask(new Strategy.Grid(), new StoppingRule.Median(2, 2), trials, BASE);
    assertThat(answer.trials())
        .extracting(Outcome::fate)
        .containsExactly(Fate.KEPT, Fate.KEPT, Fate.STOPPED);
    assertThat(answer.epochs()).isEqualTo(12);
    assertThat(answer.savedEpochs()).isEqualTo(2);
    assertThat(answer.winners())
        .singleElement()
        .satisfies(
            winner -> {
              assertThat(winner.trialId()).isEqualTo("late-s0");
              assertThat(winner.fate()).isEqualTo(Fate.STOPPED);
              assertThat(winner.bestKept().orElseThrow().trialId()).isEqualTo("a-s0");
            });
  }

  @Test
  void ashaStopsOnTheRungsOfTheRecordedCurves() {
    List<WhatIf.Recorded> trials =
        List.of(
            trial("a", true, 0.4, 0.5, 0.6, 0.7),
            trial("b", true, 0.3, 0.7, 0.8, 0.85),
            trial("c", true, 0.2, 0.3, 0.4, 0.5),
            trial("d", true, 0.1, 0.2, 0.2, 0.2));
    WhatIf.Answer answer = ask(new Strategy.Halving(1, 2), new StoppingRule.None(), trials, BASE);
    // Two of four go on to epoch 2, one of two to epoch 4.
    assertThat(answer.trials())
        .extracting(outcome -> outcome.fate() + " " + outcome.savedEpochs())
        .containsExactly("STOPPED 2", "KEPT 0", "STOPPED 3", "STOPPED 3");
    assertThat(answer.winners()).singleElement().matches(winner -> winner.fate() == Fate.KEPT);
  }

  @Test
  void marksTailsThatWereNeverTrainedUnknown() {
    List<WhatIf.Recorded> trials =
        List.of(
            trial("stopped-then", false, 0.9),
            trial("b", true, 0.3, 0.7, 0.8, 0.85),
            trial("c", true, 0.2, 0.3, 0.4, 0.5),
            trial("d", true, 0.1, 0.2, 0.2, 0.2));
    WhatIf.Answer answer = ask(new Strategy.Halving(1, 2), new StoppingRule.None(), trials, BASE);
    assertThat(answer.trials())
        .extracting(Outcome::fate)
        .as("the first would go on, so that nobody knows whom it meets on the next rung")
        .containsExactly(Fate.UNKNOWN, Fate.UNKNOWN, Fate.STOPPED, Fate.STOPPED);
    assertThat(answer.unknown()).isEqualTo(2);
  }

  @Test
  void theLossRuleSaysNothingWithoutABase() {
    List<WhatIf.Recorded> trials = List.of(trial("a", true, 0.1, 0.2, 0.3, 0.4));
    StoppingRule rule = new StoppingRule.Loss(2, 0.1);
    assertThat(ask(new Strategy.Grid(), rule, trials, Double.NaN).savedEpochs()).isZero();
    assertThat(ask(new Strategy.Grid(), rule, trials, BASE).savedEpochs()).isEqualTo(2);
  }
}
