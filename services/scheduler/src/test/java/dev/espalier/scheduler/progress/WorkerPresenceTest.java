package dev.espalier.scheduler.progress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.assignment.LeaseSettings;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.worker.v1.HeldLease;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import dev.espalier.schemas.worker.v1.WorkerHeartbeat;
import dev.espalier.schemas.worker.v1.WorkerJoined;
import dev.espalier.schemas.worker.v1.WorkerLeft;
import dev.espalier.testkit.Postgres;
import io.agroal.api.AgroalDataSource;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What heartbeats do to leases, whenever they come. */
class WorkerPresenceTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final Duration LEASE = Duration.ofSeconds(12);
  private static AgroalDataSource database;

  private final WorkerPresence presence =
      new WorkerPresence(
          new Transactions(database),
          new LeaseSettings(LEASE, Duration.ofMinutes(5), Duration.ofSeconds(10)));

  @BeforeAll
  static void migrate() {
    database = TestPlatform.pool(POSTGRES.newDatabase().jdbcUrl(), 2);
    Flyway.configure().dataSource(database).load().migrate();
  }

  @AfterAll
  static void close() {
    database.close();
  }

  @BeforeEach
  void twoWorkersWithALeaseEachThatIsNearlyOver() throws SQLException {
    execute("truncate worker, lease cascade");
    hear(joined("one"), joined("two"));
    lease("a", "one", 1);
    lease("b", "two", 3);
  }

  @Test
  void aHeartbeatRenewsTheLeasesThatItListsAndNoOthers() throws SQLException {
    hear(beat("one", held("a", 1), held("b", 3)), beat("two", held("b", 2)));

    assertThat(secondsLeft("a")).isGreaterThan(10);
    // Another worker's, and one of an earlier generation.
    assertThat(secondsLeft("b")).isLessThanOrEqualTo(1);
  }

  @Test
  void aHeartbeatThatItsReportHasOvertakenBringsNoLeaseBack() throws SQLException {
    // The report is accepted, and takes the lease away.
    execute("delete from lease where stage_id = 'a'");

    hear(beat("one", held("a", 1)));

    assertThat(texts("select stage_id from lease")).containsExactly("b");
  }

  @Test
  void aLateHeartbeatCountsFromWhenItIsHandled() throws SQLException {
    execute("update lease set until = clock_timestamp() - interval '1 minute'");
    execute("update worker set state = 'LOST' where worker_id = 'one'");

    hear(beat("one", held("a", 1)));

    assertThat(secondsLeft("a")).isGreaterThan(10);
    assertThat(texts("select state from worker where worker_id = 'one'")).containsExactly("ACTIVE");
  }

  @Test
  void whoLeavesHasTheLastWordOverItsHeartbeatOfTheSamePoll() throws SQLException {
    hear(beat("one", held("a", 1)), left("one"));

    assertThat(secondsLeft("a")).isLessThanOrEqualTo(3);
    assertThat(texts("select state from worker where worker_id = 'one'")).containsExactly("LEFT");
  }

  private static HeldLease held(String stage, long generation) {
    return HeldLease.newBuilder()
        .setStageId(stage)
        .setLeaseId(id(stage).toString())
        .setGeneration(generation)
        .setProgress(1)
        .build();
  }

  private static WorkerEvent joined(String worker) {
    return event(worker).setWorkerJoined(WorkerJoined.newBuilder().setSlots(1)).build();
  }

  private static WorkerEvent beat(String worker, HeldLease... leases) {
    return event(worker)
        .setWorkerHeartbeat(WorkerHeartbeat.newBuilder().addAllLeases(List.of(leases)))
        .build();
  }

  private static WorkerEvent left(String worker) {
    return event(worker).setWorkerLeft(WorkerLeft.newBuilder().setReason("drained")).build();
  }

  private static WorkerEvent.Builder event(String worker) {
    return WorkerEvent.newBuilder().setEventId(UUID.randomUUID().toString()).setWorkerId(worker);
  }

  private void hear(WorkerEvent... events) throws SQLException {
    List<ConsumedRecord<WorkerEvent>> records = new ArrayList<>();
    for (WorkerEvent event : events) {
      records.add(
          new ConsumedRecord<>(
              Topics.WORKER_EVENTS,
              0,
              records.size(),
              Instant.now(),
              event.getWorkerId(),
              event.getEventId(),
              "",
              event,
              event.toByteArray(),
              TraceContext.start(),
              null));
    }
    presence.handle(records);
  }

  private static UUID id(String stage) {
    return UUID.nameUUIDFromBytes(stage.getBytes(StandardCharsets.UTF_8));
  }

  private static void lease(String stage, String worker, long generation) throws SQLException {
    execute(
        """
        insert into lease (stage_id, lease_id, generation, worker_id, sweep_id, trial_id, alone,
          assigned_at, until, progress_at)
        values ('%s', '%s', %d, '%s', 's', 't', false, clock_timestamp(),
          clock_timestamp() + interval '1 s', clock_timestamp())
        """
            .formatted(stage, id(stage), generation, worker));
  }

  private static double secondsLeft(String stage) throws SQLException {
    return Double.parseDouble(
        texts(
                "select extract(epoch from until - clock_timestamp()) from lease where stage_id = '"
                    + stage
                    + "'")
            .get(0));
  }

  private static void execute(String sql) throws SQLException {
    try (var connection = database.getConnection();
        var statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static List<String> texts(String sql) throws SQLException {
    try (var connection = database.getConnection();
        var statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      List<String> texts = new ArrayList<>();
      while (rows.next()) {
        texts.add(rows.getString(1));
      }
      return texts;
    }
  }
}
