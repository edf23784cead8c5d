package dev.espalier.messaging.consume;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CaughtUpTest {

  private final AtomicLong now = new AtomicLong(1_000_000_000_000L);
  private final CaughtUp caughtUp = new CaughtUp(now::get);

  @BeforeEach
  void ownOnePartition() {
    caughtUp.add(Set.of(0));
  }

  @Test
  void countsFromTheFirstEndThatWasReached() {
    assertThat(caughtUp.duration()).isZero();
    reach(10);
    pass(Duration.ofSeconds(1));
    reach(20);
    pass(Duration.ofSeconds(1));
    assertThat(caughtUp.duration()).isEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void isNotCaughtUpBeforeTheEndIsHandled() {
    caughtUp.end(0, 10, now.get());
    caughtUp.handled(0, 9);
    assertThat(caughtUp.duration()).isZero();
    caughtUp.handled(0, 10);
    pass(Duration.ofMillis(1));
    assertThat(caughtUp.duration()).isPositive();
  }

  @Test
  void startsAgainAfterAGap() {
    reach(10);
    pass(CaughtUp.STALE.plusMillis(1));
    assertThat(caughtUp.duration()).as("nothing was heard for too long").isZero();
    reach(11);
    pass(Duration.ofSeconds(1));
    assertThat(caughtUp.duration()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void startsAgainWhenTheProcessWasSuspendedBetweenAskingAndHandling() {
    reach(10);
    caughtUp.end(0, 12, now.get());
    pass(Duration.ofMinutes(1));
    caughtUp.handled(0, 12);
    assertThat(caughtUp.duration()).as("caught up only to a minute ago").isZero();
    reach(12);
    pass(Duration.ofSeconds(1));
    assertThat(caughtUp.duration()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void aPartitionThatComesLaterHoldsTheWholeBack() {
    reach(10);
    caughtUp.add(Set.of(1));
    assertThat(caughtUp.duration()).isZero();
    caughtUp.remove(Set.of(1));
    pass(Duration.ofSeconds(1));
    assertThat(caughtUp.duration()).isEqualTo(Duration.ofSeconds(1));
    caughtUp.remove(Set.of(0));
    assertThat(caughtUp.duration()).as("owns nothing").isZero();
  }

  private void reach(long offset) {
    caughtUp.end(0, offset, now.get());
    caughtUp.handled(0, offset);
  }

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }
}
