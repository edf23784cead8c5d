package dev.espalier.scheduler.explain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.schemas.sweep.v1.BisectionStepped;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.schemas.trial.v1.TrialCancelled;
import dev.espalier.schemas.trial.v1.TrialEvent;
import org.junit.jupiter.api.Test;

class SentencesTest {

  @Test
  void aTrialWithoutAResultLosesNoNumber() {
    BisectionStepped.Builder step =
        BisectionStepped.newBuilder().setKeepRatio(0.7).setLoss(0.031).setNextKeepRatio(0.75);

    assertThat(told(step))
        .isEqualTo("search 0: keep ratio 0.7 loses 0.0310, which is too much; tries 0.75 next");
    assertThat(told(step.setLoss(Double.NaN)))
        .isEqualTo(
            "search 0: keep ratio 0.7 has no result, which counts as too much lost; tries 0.75 next");
  }

  private static String told(BisectionStepped.Builder step) {
    return Sentences.of(SweepEvent.newBuilder().setBisectionStepped(step).build());
  }

  @Test
  void aCancellationWithoutAReasonEndsThere() {
    TrialCancelled.Builder cancelled = TrialCancelled.newBuilder();

    assertThat(Sentences.of(TrialEvent.newBuilder().setTrialCancelled(cancelled).build()))
        .isEqualTo("cancelled");
    assertThat(
            Sentences.of(
                TrialEvent.newBuilder().setTrialCancelled(cancelled.setReason("asked")).build()))
        .isEqualTo("cancelled: asked");
  }
}
