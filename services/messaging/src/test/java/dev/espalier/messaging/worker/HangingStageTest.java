package dev.espalier.messaging.worker;

import static dev.espalier.testkit.Eventually.within;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.Messages;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.stage.v1.StageReport.ReportCase;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.TestConsumer;
import dev.espalier.testkit.TestProducer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A worker that heartbeats while the thread of its only slot stands still. */
class HangingStageTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();

  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int STALL_MS = 1_000;

  private final CountDownLatch never = new CountDownLatch(1);
  private final CountDownLatch left = new CountDownLatch(1);
  private TestProducer scheduler;
  private TestConsumer reports;
  private TestConsumer workers;
  private WorkerRuntime worker;

  @BeforeEach
  void listen() {
    TopicAdmin.createAll(KafkaSettings.of(KAFKA.bootstrapServers()), SOON);
    scheduler = new TestProducer(KAFKA.bootstrapServers());
    reports = TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.STAGE_REPORTS);
    workers = TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.WORKER_EVENTS);
  }

  @AfterEach
  void close() {
    never.countDown();
    worker.close();
    scheduler.close();
    reports.close();
    workers.close();
  }

  @Test
  void aThreadThatCanBeInterruptedCostsItsAttemptAndNotTheWorker() {
    start(
        context -> {
          if (context.stageId().equals(Messages.stageId("hangs"))) {
            never.await();
          }
          return new StageResult(Map.of(), Map.of());
        });
    StageCommand hanging = assign("hangs");
    StageCommand behind = assign("comes behind");

    within(SOON, () -> assertThat(last(hanging)).isEqualTo(ReportCase.ATTEMPT_FAILED));
    assertThat(reports(hanging).get(1).getAttemptFailed().getCause().getCode())
        .isEqualTo("STALLED");
    within(SOON, () -> assertThat(last(behind)).isEqualTo(ReportCase.STAGE_SUCCEEDED));
    assertThat(reports(hanging)).as("started and failed, once").hasSize(2);
    assertThat(worker.health().alive()).isTrue();
  }

  @Test
  void aWorkerThatLosesItsThreadGivesBackWhatWaitsBehindItAndLeaves() throws Exception {
    start(
        context -> {
          while (never.getCount() > 0) {
            try {
              never.await();
            } catch (InterruptedException e) {
              // Deaf, as a loop in native code is.
            }
          }
          return new StageResult(Map.of(), Map.of());
        });
    StageCommand hanging = assign("hangs");
    StageCommand behind = assign("comes behind");

    within(SOON, () -> assertThat(last(hanging)).isEqualTo(ReportCase.ATTEMPT_FAILED));
    within(SOON, () -> assertThat(last(behind)).isEqualTo(ReportCase.STAGE_INTERRUPTED));
    left.await();
    within(
        SOON,
        () ->
            assertThat(workers.messages(WorkerEvent.parser(), WorkerEvent::hasWorkerLeft))
                .extracting(WorkerEvent::getWorkerId)
                .contains(worker.workerId()));
    assertThat(worker.health().alive()).as("whoever watches may start another").isFalse();
  }

  private void start(StageExecutor executor) {
    var settings =
        new WorkerSettings(
            "trainer",
            List.of(),
            1,
            "cpu",
            "test device",
            "host-1",
            Map.of(),
            "none",
            "test",
            Duration.ofMillis(150),
            Duration.ofSeconds(5));
    KafkaSettings kafka = KafkaSettings.of(KAFKA.bootstrapServers());
    worker =
        new WorkerRuntime(settings, kafka, executor, new SimpleMeterRegistry())
            .whenStuck(left::countDown);
    worker.start();
  }

  private StageCommand assign(String stage) {
    StageCommand.Builder command = Messages.assign(worker.workerId(), stage, 1).toBuilder();
    command.getAssignStageBuilder().setStallTimeoutMs(STALL_MS);
    scheduler.send(
        Topics.STAGE_COMMANDS,
        WorkerPartition.of(worker.workerId()),
        worker.workerId(),
        command.build());
    return command.build();
  }

  private List<StageReport> reports(StageCommand command) {
    return reports.messages(
        StageReport.parser(),
        report -> report.getLeaseId().equals(command.getAssignStage().getLeaseId()));
  }

  private ReportCase last(StageCommand command) {
    List<StageReport> all = reports(command);
    return all.isEmpty() ? null : all.get(all.size() - 1).getReportCase();
  }
}
