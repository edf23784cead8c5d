package dev.espalier.standalone.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackoffTest {

  private static final Duration QUICK = Duration.ofSeconds(1);

  @Test
  void waitsTwiceAsLongAfterEachQuickEndUpToHalfAMinute() {
    Backoff backoff = Backoff.NONE;
    long[] expected = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (long millis : expected) {
      backoff = backoff.afterLifeOf(QUICK);
      assertThat(backoff.delay()).isEqualTo(Duration.ofMillis(millis));
    }
    for (int i = 0; i < 100; i++) {
      backoff = backoff.afterLifeOf(QUICK);
    }
    assertThat(backoff.delay()).isEqualTo(Duration.ofSeconds(30));
  }

  @Test
  void aSteadyLifeMakesTheNextEndAFirstOne() {
    Backoff backoff = new Backoff(6).afterLifeOf(Backoff.STEADY);
    assertThat(backoff.delay()).isEqualTo(Duration.ofMillis(500));
  }
}
