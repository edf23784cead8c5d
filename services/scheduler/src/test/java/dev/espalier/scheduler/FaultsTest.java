package dev.espalier.scheduler;

import static dev.espalier.scheduler.testing.TestPlatform.SOON;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import dev.espalier.scheduler.deadletters.DeadLetter;
import dev.espalier.scheduler.deadletters.DeadLetterOffice;
import dev.espalier.scheduler.testing.BareWorker;
import dev.espalier.scheduler.testing.Cable;
import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.AttemptFailed;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.FailureCause;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import dev.espalier.schemas.worker.v1.WorkerJoined;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import dev.espalier.testkit.TestProducer;
import io.agroal.api.AgroalDataSource;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What goes wrong between the parts, one fault at a time, on the real broker and database. */
class FaultsTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final StageKind FINETUNE = StageKind.STAGE_KIND_FINETUNE;
  private static final Duration LONG_OUTAGE = TestPlatform.LEASE.plusSeconds(3);

  private final TestPlatform platform = TestPlatform.shared();

  @Test
  void anAssignmentThatIsLostOnItsWayEndsWithItsLease() throws Exception {
    String label = "lost-assignment";
    String stage = finetune(label);
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker others = allBut(FINETUNE, label).start()) {
      String sweep;
      try (BareWorker deaf = new BareWorker(KAFKA.bootstrapServers(), label, FINETUNE)) {
        sweep = platform.submit(scheduler.sweeps(), label, 1);
        assignedTo(deaf, stage);
        Eventually.within(SOON, () -> assertThat(endings(stage)).startsWith("WORKER_LOST"));
      }
      try (FakeWorker hears = platform.worker(label).build().start()) {
        platform.awaitState(sweep, "COMPLETED");
      }
      assertThat(platform.column("select attempts from stage where stage_id = ?", stage))
          .as("a worker that heartbeats without listing the lease does not have it")
          .containsExactly("0");
    }
  }

  @Test
  void aThreadThatHangsLosesItsStageThoughItsWorkerHeartbeats() throws Exception {
    String label = "hung-thread";
    String stage = finetune(label);
    try (SchedulerRuntime scheduler = platform.scheduler(Duration.ofSeconds(6));
        FakeWorker others = allBut(FINETUNE, label).start()) {
      String sweep;
      try (BareWorker hung = new BareWorker(KAFKA.bootstrapServers(), label, FINETUNE)) {
        sweep = platform.submit(scheduler.sweeps(), label, 1);
        assignedTo(hung, stage);
        hung.holds(
            stage,
            platform.column("select lease_id from lease where stage_id = ?", stage).get(0),
            1);
        Eventually.within(SOON, () -> assertThat(endings(stage)).startsWith("STALLED"));
      }
      try (FakeWorker healthy = platform.worker(label).build().start()) {
        platform.awaitState(sweep, "COMPLETED");
      }
      assertThat(platform.column("select attempts from stage where stage_id = ?", stage))
          .as("the stage may be what hangs: it counts")
          .containsExactly("1");
    }
  }

  @Test
  void aPausedRelayCostsTimeAndNoAttempt() throws Exception {
    String label = "paused-relay";
    String stage = finetune(label);
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker others = allBut(FINETUNE, label).start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 1);
      Eventually.within(
          SOON,
          () ->
              assertThat(platform.column("select state from stage where stage_id = ?", stage))
                  .containsExactly("RUNNABLE"));
      try (FakeWorker worker = whileTheRelayIsPaused(label, stage)) {
        platform.awaitState(sweep, "COMPLETED");
      }
      assertThat(endings(stage)).containsExactly("SUCCEEDED");
    }
  }

  /** Its assignment is committed, and on its way for longer than its lease. */
  private FakeWorker whileTheRelayIsPaused(String label, String stage) throws Exception {
    try (var session = platform.dataSource().getConnection();
        var statement = session.createStatement()) {
      statement.execute(
          "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
              + " and ((classid::bigint << 32) | objid::bigint) = 491327873401 and granted");
      statement.execute("select pg_advisory_lock(491327873401)");
      try {
        FakeWorker worker = platform.worker(label).build().start();
        Eventually.within(
            SOON,
            () ->
                assertThat(
                        platform.count(
                            "select count(*) from lease where stage_id = ?"
                                + " and until < clock_timestamp() - interval '3 s'",
                            stage))
                    .isEqualTo(1));
        assertThat(worker.received()).as("nothing reaches the worker").isEmpty();
        return worker;
      } finally {
        statement.execute("select pg_advisory_unlock(491327873401)");
      }
    }
  }

  @Test
  void aSharedStageServesWhoJoinsWhileAnotherLeaves() throws Exception {
    String label = "join-and-leave";
    try (SchedulerRuntime scheduler = platform.scheduler()) {
      for (int round = 0; round < 3; round++) {
        String own = label + round;
        try (FakeWorker worker =
            platform.worker(own).duration(assignment -> Duration.ofMillis(150)).build().start()) {
          String leaves = platform.submit(scheduler.sweeps(), own, 1);
          Eventually.within(SOON, () -> assertThat(worker.received()).isNotEmpty());
          CompletableFuture<Void> leaving =
              CompletableFuture.runAsync(
                  () -> {
                    try {
                      scheduler
                          .sweeps()
                          .decide(leaves, new SweepCommand.Cancel("left"), TestPlatform.cause());
                    } catch (java.sql.SQLException e) {
                      throw new IllegalStateException(e);
                    }
                  });
          String joins = platform.submit(scheduler.sweeps(), own, 1);
          leaving.join();
          platform.awaitState(joins, "COMPLETED");
          assertThat(
                  platform.column(
                      "select stream from event where type = 'stage_succeeded' and stream = ?",
                      "stage-" + finetune(own)))
              .as("one result, whoever came first")
              .hasSize(1);
          assertThat(platform.column("select state from sweep where sweep_id = ?", leaves))
              .containsExactly("CANCELLED");
        }
      }
    }
  }

  @Test
  void recordsThatParseButSayTheImpossibleAreParkedAndTheServiceGoesOn() throws Exception {
    String label = "poison";
    String stage = finetune(label);
    FakeWorker.Script script =
        (command, assignment) ->
            command.getStageId().equals(stage) && assignment.getGeneration() == 1
                ? new Ending.Hang()
                : TestPlatform.success(command.getStageId());
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).script(script).build().start();
        TestProducer producer = new TestProducer(KAFKA.bootstrapServers())) {
      String sweep = platform.submit(scheduler.sweeps(), label, 1);
      StageCommand running = assignment(worker, stage);
      // No text of PostgreSQL holds this character.
      Message report =
          worker
              .reportFor(running)
              .setAttemptFailed(
                  AttemptFailed.newBuilder()
                      .setCause(
                          FailureCause.newBuilder()
                              .setCategory(FailureCategory.FAILURE_CATEGORY_CAPACITY)
                              .setCode("DISK_FULL")
                              .setMessage("no space in \0")))
              .build();
      producer.send(Topics.STAGE_REPORTS, stage, report);
      String key = "trainer-" + UUID.randomUUID();
      producer.send(
          Topics.WORKER_EVENTS,
          key,
          WorkerEvent.newBuilder()
              .setEventId(UUID.randomUUID().toString())
              .setOccurredAt(running.getOccurredAt())
              .setWorkerId(key)
              .setWorkerJoined(WorkerJoined.newBuilder().setSlots(1).setHost("host\0"))
              .build());
      DeadLetterOffice office = new DeadLetterOffice(platform.dataSource(), platform.kafka());
      Eventually.within(
          SOON, () -> assertThat(office.open()).extracting(DeadLetter::key).contains(stage, key));

      worker.end(running, TestPlatform.success(stage));
      platform.awaitState(sweep, "COMPLETED");
      assertThat(scheduler.troubles()).isEmpty();
    }
  }

  @Test
  void aDatabaseThatIsAwayForLongerThanALeaseCostsNoAttempt() throws Exception {
    String label = "no-database";
    URI address = URI.create(platform.jdbcUrl().substring("jdbc:".length()));
    try (Cable cable = new Cable(address.getPort());
        AgroalDataSource database =
            TestPlatform.pool(
                platform.jdbcUrl().replace(":" + address.getPort(), ":" + cable.port()), 20);
        SchedulerRuntime scheduler =
            TestPlatform.replica(database, platform.kafka(), TestPlatform.LEASE);
        FakeWorker worker =
            platform.worker(label).duration(assignment -> Duration.ofMillis(400)).build().start()) {
      scheduler.start();
      String sweep = platform.submit(scheduler.sweeps(), label, 6);
      Eventually.within(SOON, () -> assertThat(worker.received()).hasSizeGreaterThan(3));

      cable.pull();
      Thread.sleep(LONG_OUTAGE.toMillis());
      cable.plugIn();

      platform.awaitState(sweep, "COMPLETED");
      assertThat(
              platform.column(
                  "select distinct outcome from attempt join stage using (stage_id)"
                      + " where algorithm = ?",
                  label))
          .containsExactly("SUCCEEDED");
      assertThat(scheduler.troubles()).isEmpty();
    }
  }

  private FakeWorker allBut(StageKind kind, String label) {
    FakeWorker.Builder worker =
        FakeWorker.on(KAFKA.bootstrapServers())
            .slots(2)
            .host("host-" + UUID.randomUUID())
            .script((command, assignment) -> TestPlatform.success(command.getStageId()));
    List.of(StageKind.values()).stream()
        .filter(other -> other != kind && other.name().matches(".*(SEARCH|PRUNE|EVALUATE)"))
        .forEach(other -> worker.can(other, label, 1));
    return worker.build();
  }

  private void assignedTo(BareWorker worker, String stage) {
    Eventually.within(
        SOON,
        () ->
            assertThat(
                    platform.count(
                        "select count(*) from lease where stage_id = ? and worker_id = ?",
                        stage,
                        worker.workerId()))
                .isEqualTo(1));
  }

  private static StageCommand assignment(FakeWorker worker, String stage) {
    return Eventually.within(
        SOON,
        () ->
            worker.received().stream()
                .filter(StageCommand::hasAssignStage)
                .filter(command -> command.getStageId().equals(stage))
                .findFirst()
                .orElseThrow());
  }

  /** How the stage's attempts ended, in their order. */
  private List<String> endings(String stage) throws Exception {
    return platform.column(
        "select coalesce(cause_code, outcome) from attempt where stage_id = ? order by generation",
        stage);
  }

  private static String finetune(String label) {
    return LabelledPlanning.stageId(label, FINETUNE, "trial0");
  }
}
