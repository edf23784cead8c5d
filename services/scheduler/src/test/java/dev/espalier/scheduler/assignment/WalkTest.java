package dev.espalier.scheduler.assignment;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WalkTest {

  @Test
  void aMeasurementOfSpeedHasItsHostForItselfAndOneOfAccuracyHasNot() {
    assertThat(Walk.runsAlone("EVALUATE", "evaluate", 0)).isTrue();
    assertThat(Walk.runsAlone("EVALUATE", "accuracy", 0)).isFalse();
    assertThat(Walk.runsAlone("FINETUNE", "finetune", 0)).isFalse();
  }

  @Test
  void whatHasLostTwoWorkersEndangersNobodyElse() {
    assertThat(Walk.runsAlone("EVALUATE", "accuracy", 2)).isTrue();
    assertThat(Walk.runsAlone("SEARCH", "nvit", 1)).isFalse();
    assertThat(Walk.runsAlone("SEARCH", "nvit", 2)).isTrue();
  }
}
