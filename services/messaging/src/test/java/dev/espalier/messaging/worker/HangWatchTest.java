package dev.espalier.messaging.worker;

import static dev.espalier.testkit.Eventually.within;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.messaging.Messages;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.schemas.stage.v1.StageCommand;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HangWatchTest {

  private static final Duration SOON = Duration.ofSeconds(60);

  private final HangWatch watch = new HangWatch(Duration.ofHours(1));

  @Test
  void anInterruptedThreadFindsItsAttemptEnded() throws Exception {
    Attempt attempt = attempt();
    var began = new CountDownLatch(1);
    var mayReport = new CompletableFuture<Boolean>();
    var thread =
        new Thread(
            () -> {
              attempt.begin();
              began.countDown();
              try {
                new CountDownLatch(1).await();
              } catch (InterruptedException e) {
                mayReport.complete(attempt.end());
              }
            });
    thread.setDaemon(true);
    thread.start();
    began.await();

    within(SOON, () -> assertThat(watch.endHanging(List.of(attempt))).containsExactly(attempt));
    assertThat(mayReport.get(SOON.toSeconds(), TimeUnit.SECONDS))
        .as("whether the thread, too, may send a last report")
        .isFalse();
    assertThat(watch.endHanging(List.of(attempt))).as("found once").isEmpty();
  }

  @Test
  void anAttemptThatReportedAlreadyIsLeftToItsReport() {
    Attempt attempt = attempt();
    attempt.begin();
    attempt.end();

    within(
        SOON,
        () -> {
          watch.endHanging(List.of(attempt));
          assertThat(attempt.shouldStop()).isTrue();
        });
    assertThat(Thread.interrupted()).as("its thread is asked to end all the same").isTrue();
    assertThat(watch.endHanging(List.of(attempt))).isEmpty();
  }

  private static Attempt attempt() {
    StageCommand.Builder command = Messages.assign("trainer-1", "hangs", 1).toBuilder();
    command.getAssignStageBuilder().setStallTimeoutMs(50);
    return new Attempt(
        command.build(), command.getAssignStage(), TraceContext.start(), null, "trainer-1");
  }
}
