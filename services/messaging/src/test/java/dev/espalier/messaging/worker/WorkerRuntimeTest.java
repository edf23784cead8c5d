package dev.espalier.messaging.worker;

import static dev.espalier.testkit.Eventually.within;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.Messages;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.messaging.worker.WorkerSettings.Algorithm;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.RevokeStage;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.stage.v1.StageReport.ReportCase;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import dev.espalier.schemas.worker.v1.WorkerEvent.EventCase;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.TestConsumer;
import dev.espalier.testkit.TestProducer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class WorkerRuntimeTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();

  private static final Duration SOON = Duration.ofSeconds(60);

  private TestProducer scheduler;
  private TestConsumer reports;
  private TestConsumer workers;
  private WorkerRuntime worker;

  @BeforeAll
  static void createTopics() {
    TopicAdmin.createAll(kafka(), SOON);
  }

  @BeforeEach
  void listen() {
    scheduler = new TestProducer(KAFKA.bootstrapServers());
    reports = TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.STAGE_REPORTS);
    workers = TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.WORKER_EVENTS);
  }

  @AfterEach
  void close() {
    if (worker != null) {
      worker.close();
    }
    scheduler.close();
    reports.close();
    workers.close();
  }

  @Test
  void announcesWhatItCanDoThenRunsAStageAndReportsIt() {
    start(
        context -> {
          context.progress(1, 2, 10);
          context.metric("train_loss", 1, 0.5);
          return new StageResult(
              Map.of("importance", FakeWorker.artifact("file")), Map.of("params", 12.0));
        });
    within(
        SOON,
        () ->
            assertThat(events(EventCase.WORKER_JOINED))
                .singleElement()
                .satisfies(
                    event -> {
                      assertThat(event.getWorkerJoined().getCapabilities(0).getAlgorithm())
                          .isEqualTo("magnitude");
                      assertThat(event.getWorkerJoined().getSlots()).isEqualTo(1);
                    }));
    StageCommand command = assign("ok");
    within(
        SOON,
        () ->
            assertThat(reports(command))
                .extracting(StageReport::getReportCase)
                .containsExactly(
                    ReportCase.STAGE_STARTED,
                    ReportCase.STAGE_PROGRESSED,
                    ReportCase.STAGE_SUCCEEDED));
    StageReport succeeded = reports(command).get(2);
    assertThat(succeeded.getGeneration()).isEqualTo(1);
    assertThat(succeeded.getCausedBy()).isEqualTo(command.getEventId());
    assertThat(succeeded.getTeam()).isEqualTo("team");
    assertThat(succeeded.getStageSucceeded().getOutputs(0).getName()).isEqualTo("importance");
    assertThat(succeeded.getStageSucceeded().getMeasurements(0).getValue()).isEqualTo(12.0);
    within(SOON, () -> assertThat(worker.health().running()).isZero());
  }

  @Test
  void missesNoCommandThatIsSentRightAfterItsAnnouncement() {
    for (int round = 0; round < 5; round++) {
      start(context -> new StageResult(Map.of(), Map.of()));
      // The scheduler acts on the record of the announcement, whatever the worker does meanwhile.
      String id = worker.workerId();
      within(SOON, () -> assertThat(joined()).contains(id));
      StageCommand command = assign("at once " + round);
      within(SOON, () -> assertThat(last(command)).isEqualTo(ReportCase.STAGE_SUCCEEDED));
      worker.close();
    }
  }

  @Test
  void dropsARepeatedAssignmentAndOthersCommandsAndParksRubbish() throws Exception {
    var runs = new AtomicInteger();
    try (var parked =
        TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.deadLetters(Topics.STAGE_COMMANDS))) {
      start(
          context -> {
            runs.incrementAndGet();
            return new StageResult(Map.of(), Map.of());
          });
      int partition = WorkerPartition.of(worker.workerId());
      scheduler.send(
          Topics.STAGE_COMMANDS,
          partition,
          "someone else",
          Messages.assign("someone else", "theirs", 1));
      scheduler.send(
          Topics.STAGE_COMMANDS,
          partition,
          worker.workerId(),
          Messages.assign(worker.workerId(), "broken", 1).toBuilder().setStageId("x").build());
      StageCommand command = assign("once");
      scheduler.send(Topics.STAGE_COMMANDS, partition, worker.workerId(), command);
      StageCommand next = assign("next");
      within(SOON, () -> assertThat(last(next)).isEqualTo(ReportCase.STAGE_SUCCEEDED));
      assertThat(runs).hasValue(2);
      assertThat(reports(command)).hasSize(2);
      within(SOON, () -> assertThat(parked.records()).hasSize(1));
    }
  }

  @Test
  void namesWhyAnAttemptFailed() {
    start(
        context -> {
          if (context.stageId().equals(Messages.stageId("named"))) {
            throw new StageFailure(
                FailureCategory.FAILURE_CATEGORY_DATA, "NAN_LOSS", "loss is NaN at step 3");
          }
          if (context.stageId().equals(Messages.stageId("memory"))) {
            throw new OutOfMemoryError("heap");
          }
          throw new IllegalStateException("a defect");
        });
    assertThat(cause("named").getCode()).isEqualTo("NAN_LOSS");
    assertThat(cause("memory").getCategory()).isEqualTo(FailureCategory.FAILURE_CATEGORY_CAPACITY);
    assertThat(cause("other").getCode()).isEqualTo("UNEXPECTED_ERROR");
    assertThat(cause("other again").getMessage()).contains("a defect").doesNotContain("\tat ");
  }

  @Test
  void reportsAnAttemptAsFailedWhoseResultBreaksTheContract() {
    start(context -> new StageResult(Map.of("", FakeWorker.artifact("x")), Map.of()));
    assertThat(cause("nameless output").getMessage()).contains("name");
    within(SOON, () -> assertThat(worker.health().running()).isZero());
  }

  @Test
  void stopsAStageThatIsRevokedAndSavesItsCheckpointFirst() {
    start(
        context -> {
          for (long step = 1; ; step++) {
            context.progress(step, 1_000_000);
            if (context.shouldStop()) {
              if (context.checkpointWanted()) {
                context.checkpointSaved(FakeWorker.artifact("checkpoint"), step);
              }
              throw context.stopped(step);
            }
            Thread.sleep(2);
          }
        });
    StageCommand command = assign("endless");
    within(SOON, () -> assertThat(reports(command)).isNotEmpty());
    scheduler.send(
        Topics.STAGE_COMMANDS,
        WorkerPartition.of(worker.workerId()),
        worker.workerId(),
        command.toBuilder()
            .setEventId(UUID.randomUUID().toString())
            .setRevokeStage(
                RevokeStage.newBuilder()
                    .setLeaseId(command.getAssignStage().getLeaseId())
                    .setGeneration(1)
                    .setReason("nobody waits for it")
                    .setCheckpointFirst(true))
            .build());
    within(SOON, () -> assertThat(last(command)).isEqualTo(ReportCase.STAGE_INTERRUPTED));
    List<StageReport> all = reports(command);
    assertThat(all).extracting(StageReport::getReportCase).contains(ReportCase.CHECKPOINT_SAVED);
    assertThat(all.get(all.size() - 1).getStageInterrupted().getReason())
        .isEqualTo("nobody waits for it");
  }

  @Test
  void worksOnThroughABrokerOutageKeepsTheLeaseListedAndReportsAfterwards() throws Exception {
    var finish = new CountDownLatch(1);
    var finished = new CountDownLatch(1);
    start(
        context -> {
          context.progress(1, 2);
          finish.await();
          finished.countDown();
          return new StageResult(Map.of(), Map.of());
        });
    StageCommand command = assign("outage");
    String lease = command.getAssignStage().getLeaseId();
    within(SOON, () -> assertThat(listed(lease)).isPositive());
    KAFKA.stop();
    finish.countDown();
    finished.await();
    // Longer than a lease; nothing stops or forgets the finished stage.
    within(
        SOON,
        () ->
            assertThat(worker.health().sinceAcknowledged())
                .isGreaterThan(Duration.ofMillis(2_500)));
    long before = listed(lease);
    KAFKA.start();
    within(SOON, () -> assertThat(last(command)).isEqualTo(ReportCase.STAGE_SUCCEEDED));
    assertThat(reports(command)).filteredOn(StageReport::hasStageSucceeded).hasSize(1);
    within(
        SOON,
        () -> assertThat(worker.health().sinceAcknowledged()).isLessThan(Duration.ofSeconds(1)));
    assertThat(listed(lease)).isGreaterThanOrEqualTo(before);
    // Once the report is acknowledged the lease is listed no more.
    long after = events(EventCase.WORKER_HEARTBEAT).size();
    within(
        SOON,
        () -> {
          List<WorkerEvent> beats = events(EventCase.WORKER_HEARTBEAT);
          assertThat(beats.size()).isGreaterThan((int) after + 2);
          assertThat(beats.get(beats.size() - 1).getWorkerHeartbeat().getLeasesCount()).isZero();
        });
  }

  @Test
  void drainsWithACheckpointAndTakesNothingNew() {
    start(
        context -> {
          for (long step = 1; ; step++) {
            context.progress(step, 1_000_000);
            if (context.shouldStop()) {
              context.checkpointSaved(FakeWorker.artifact("checkpoint"), step);
              throw context.stopped(step);
            }
            Thread.sleep(2);
          }
        });
    StageCommand running = assign("runs");
    StageCommand waiting = assign("waits for a slot");
    within(SOON, () -> assertThat(reports(running)).isNotEmpty());
    within(SOON, () -> assertThat(worker.health().running()).isEqualTo(2));
    worker.close();
    within(SOON, () -> assertThat(last(running)).isEqualTo(ReportCase.STAGE_INTERRUPTED));
    within(SOON, () -> assertThat(last(waiting)).isEqualTo(ReportCase.STAGE_INTERRUPTED));
    assertThat(reports(running))
        .extracting(StageReport::getReportCase)
        .contains(ReportCase.CHECKPOINT_SAVED);
    within(SOON, () -> assertThat(events(EventCase.WORKER_LEFT)).hasSize(1));
    assertThat(events(EventCase.WORKER_DRAINING)).hasSize(1);
  }

  @Test
  void givesBackAStageThatDoesNotListenWithinTheDrainLimit() {
    var never = new CountDownLatch(1);
    start(
        context -> {
          while (true) {
            try {
              never.await();
            } catch (InterruptedException e) {
              // Deaf.
            }
          }
        },
        Duration.ofSeconds(4));
    StageCommand command = assign("deaf");
    within(SOON, () -> assertThat(reports(command)).hasSize(1));
    worker.close();
    within(SOON, () -> assertThat(last(command)).isEqualTo(ReportCase.STAGE_INTERRUPTED));
    within(SOON, () -> assertThat(events(EventCase.WORKER_LEFT)).hasSize(1));
    never.countDown();
  }

  @Test
  void aFakeWorkerSpeaksTheSameProtocol() {
    try (FakeWorker fake =
        FakeWorker.on(KAFKA.bootstrapServers())
            .can(StageKind.STAGE_KIND_SEARCH, "magnitude", 1)
            .script(
                assignment ->
                    new FakeWorker.Ending.Success(Map.of("importance", "x"), Map.of("params", 1.0)))
            .build()
            .start()) {
      StageCommand command = Messages.assign(fake.workerId(), "fake", 1);
      scheduler.send(
          Topics.STAGE_COMMANDS, WorkerPartition.of(fake.workerId()), fake.workerId(), command);
      within(SOON, () -> assertThat(last(command)).isEqualTo(ReportCase.STAGE_SUCCEEDED));
      within(
          SOON,
          () ->
              assertThat(workers.messages(WorkerEvent.parser(), WorkerEvent::hasWorkerHeartbeat))
                  .anyMatch(event -> event.getWorkerId().equals(fake.workerId())));
    }
  }

  private void start(StageExecutor executor) {
    start(executor, Duration.ofSeconds(15));
  }

  private void start(StageExecutor executor, Duration drainLimit) {
    var settings =
        new WorkerSettings(
            "trainer",
            List.of(new Algorithm(StageKind.STAGE_KIND_SEARCH, "magnitude", 1)),
            1,
            "cpu",
            "test device",
            "host-1",
            Map.of(),
            "none",
            "test",
            Duration.ofMillis(150),
            drainLimit);
    worker = new WorkerRuntime(settings, kafka(), executor, new SimpleMeterRegistry());
    worker.start();
  }

  private StageCommand assign(String stage) {
    StageCommand command = Messages.assign(worker.workerId(), stage + UUID.randomUUID(), 1);
    if (!stage.contains(" ")) {
      command = command.toBuilder().setStageId(Messages.stageId(stage)).build();
    }
    scheduler.send(
        Topics.STAGE_COMMANDS, WorkerPartition.of(worker.workerId()), worker.workerId(), command);
    return command;
  }

  private dev.espalier.schemas.stage.v1.FailureCause cause(String stage) {
    StageCommand command = assign(stage);
    within(SOON, () -> assertThat(last(command)).isEqualTo(ReportCase.ATTEMPT_FAILED));
    List<StageReport> all = reports(command);
    return all.get(all.size() - 1).getAttemptFailed().getCause();
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

  private List<WorkerEvent> events(EventCase wanted) {
    return workers.messages(
        WorkerEvent.parser(),
        event -> event.getWorkerId().equals(worker.workerId()) && event.getEventCase() == wanted);
  }

  private List<String> joined() {
    return workers.messages(WorkerEvent.parser(), WorkerEvent::hasWorkerJoined).stream()
        .map(WorkerEvent::getWorkerId)
        .toList();
  }

  private long listed(String lease) {
    return events(EventCase.WORKER_HEARTBEAT).stream()
        .filter(
            event ->
                event.getWorkerHeartbeat().getLeasesList().stream()
                    .anyMatch(held -> held.getLeaseId().equals(lease)))
        .count();
  }

  private static KafkaSettings kafka() {
    return KafkaSettings.of(KAFKA.bootstrapServers());
  }
}
