package dev.espalier.scheduler.testing;

import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.assignment.LeaseSettings;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.scheduler.wiring.SchedulerSettings;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.sweep.assignment.AssignmentPolicy;
import dev.espalier.sweep.assignment.PreemptionPolicy;
import dev.espalier.sweep.assignment.TeamShare;
import dev.espalier.sweep.lifecycle.RetryPolicy;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.lifecycle.TrialCommand;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.exceptionsorter.PostgreSQLExceptionSorter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.flywaydb.core.Flyway;

/**
 * Real broker, real database, real schedulers, fake workers. One database serves all tests of a
 * JVM, as one broker does; tests tell theirs apart by label.
 */
public final class TestPlatform {

  public static final Duration SOON = Duration.ofSeconds(60);
  public static final Duration LEASE = Duration.ofMillis(4500);

  /** Until a running stage is preempted. */
  public static final Duration PATIENCE = Duration.ofSeconds(2);

  private static final Duration STALL = Duration.ofSeconds(20);

  private static TestPlatform shared;

  private final String jdbcUrl;
  private final AgroalDataSource dataSource;
  private final KafkaSettings kafka;

  private TestPlatform() {
    Postgres.Database database = Postgres.shared().newDatabase();
    jdbcUrl = database.jdbcUrl();
    dataSource = pool(jdbcUrl, 40);
    Flyway.configure().dataSource(dataSource).load().migrate();
    kafka = KafkaSettings.of(KafkaCluster.shared().bootstrapServers());
    TopicAdmin.createAll(kafka, Duration.ofSeconds(30));
  }

  public static synchronized TestPlatform shared() {
    if (shared == null) {
      shared = new TestPlatform();
    }
    return shared;
  }

  /** Connections as the scheduler has them. */
  public static AgroalDataSource pool(String jdbcUrl, int connections) {
    try {
      return AgroalDataSource.from(
          new AgroalDataSourceConfigurationSupplier()
              .connectionPoolConfiguration(
                  pool ->
                      pool.maxSize(connections)
                          .exceptionSorter(new PostgreSQLExceptionSorter())
                          .acquisitionTimeout(Duration.ofSeconds(5))
                          .connectionFactoryConfiguration(factory -> factory.jdbcUrl(jdbcUrl))));
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A replica with quick leases and retries, not yet started. */
  public static SchedulerRuntime replica(
      AgroalDataSource dataSource, KafkaSettings kafka, Duration lease) {
    return replica(dataSource, kafka, lease, STALL, Map.of(), new SimpleMeterRegistry());
  }

  private static SchedulerRuntime replica(
      AgroalDataSource dataSource,
      KafkaSettings kafka,
      Duration lease,
      Duration stall,
      Map<String, TeamShare> teams,
      MeterRegistry metrics) {
    return new SchedulerRuntime(
        dataSource,
        kafka,
        new SchedulerSettings(
            new LeaseSettings(lease, stall, Duration.ofMillis(200)),
            new RetryPolicy(3, 5, Duration.ofMillis(100), Duration.ofMillis(500)),
            new AssignmentPolicy(Duration.ofMillis(500), Duration.ofSeconds(30), teams),
            new PreemptionPolicy(PATIENCE, teams),
            Duration.ofHours(1)),
        new LabelledPlanning(),
        metrics);
  }

  /** A replica on this platform, started. */
  public SchedulerRuntime scheduler() {
    return scheduler(Map.of());
  }

  /** As {@link #scheduler()}, with weights and quotas of teams. */
  public SchedulerRuntime scheduler(Map<String, TeamShare> teams) {
    return scheduler(STALL, teams, new SimpleMeterRegistry());
  }

  /** As {@link #scheduler()}, with another time without headway. */
  public SchedulerRuntime scheduler(Duration stall) {
    return scheduler(stall, Map.of(), new SimpleMeterRegistry());
  }

  /** As {@link #scheduler()}, and it counts there. */
  public SchedulerRuntime scheduler(MeterRegistry metrics) {
    return scheduler(STALL, Map.of(), metrics);
  }

  private SchedulerRuntime scheduler(
      Duration stall, Map<String, TeamShare> teams, MeterRegistry metrics) {
    SchedulerRuntime runtime = replica(dataSource, kafka, LEASE, stall, teams, metrics);
    runtime.start();
    return runtime;
  }

  public AgroalDataSource dataSource() {
    return dataSource;
  }

  public String jdbcUrl() {
    return jdbcUrl;
  }

  public KafkaSettings kafka() {
    return kafka;
  }

  /** A worker that can do all of a label's stages, not yet started. */
  public FakeWorker.Builder worker(String label) {
    return worker(kafka.bootstrapServers(), label);
  }

  /** As {@link #worker(String)}, at any broker. */
  public static FakeWorker.Builder worker(String bootstrapServers, String label) {
    FakeWorker.Builder worker =
        FakeWorker.on(bootstrapServers)
            .slots(2)
            .host("host-" + UUID.randomUUID())
            .script((command, assignment) -> success(command.getStageId()));
    for (StageKind kind :
        List.of(
            StageKind.STAGE_KIND_SEARCH,
            StageKind.STAGE_KIND_PRUNE,
            StageKind.STAGE_KIND_FINETUNE,
            StageKind.STAGE_KIND_EVALUATE)) {
      worker.can(kind, label, 1);
    }
    return worker;
  }

  public static Ending success(String stageId) {
    return new Ending.Success(Map.of("result", "of " + stageId), Map.of("top1_accuracy", 0.75));
  }

  /** Accepts a sweep of this label. */
  public String submit(SweepStreams sweeps, String label, int trials) throws SQLException {
    return submit(sweeps, label, trials, "team-a");
  }

  /** Accepts a sweep of this label for a team. */
  public String submit(SweepStreams sweeps, String label, int trials, String team)
      throws SQLException {
    return submit(sweeps, LabelledPlanning.accepted(label, trials), team);
  }

  public String submit(SweepStreams sweeps, SweepEvent.Accepted accepted, String team)
      throws SQLException {
    String sweepId = UUID.randomUUID().toString().replace("-", "").substring(0, 16);
    sweeps.decide(
        sweepId,
        new SweepCommand.Accept(accepted),
        new Cause(UUID.randomUUID().toString(), "tester", team, TraceContext.start()));
    return sweepId;
  }

  public static Cause cause() {
    return new Cause(UUID.randomUUID().toString(), "tester", "team-a", TraceContext.start());
  }

  /** Asks something of a trial, in a transaction of its own. */
  public void steer(SchedulerRuntime scheduler, String trialId, TrialCommand command)
      throws SQLException {
    new Transactions(dataSource)
        .run(connection -> scheduler.trials().decide(connection, trialId, command, cause()));
  }

  public void awaitState(String sweepId, String state) {
    awaitState(sweepId, state, SOON);
  }

  public void awaitState(String sweepId, String state, Duration within) {
    Eventually.within(
        within,
        () -> {
          List<String> found = column("select state from sweep where sweep_id = ?", sweepId);
          if (!found.equals(List.of(state))) {
            throw new AssertionError(
                "sweep "
                    + sweepId
                    + " is "
                    + found
                    + "; stages "
                    + column(
                        "select kind || ' ' || state || ' ' || count(*) from stage where stage_id"
                            + " in (select stage_id from stage_claim where sweep_id = ?) group by"
                            + " kind, state",
                        sweepId));
          }
        });
  }

  /** The first column of all rows, as text. */
  public List<String> column(String sql, Object... values) throws SQLException {
    try (var connection = dataSource.getConnection();
        var statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      try (ResultSet rows = statement.executeQuery()) {
        List<String> column = new ArrayList<>();
        while (rows.next()) {
          column.add(rows.getString(1));
        }
        return column;
      }
    }
  }

  public int count(String sql, Object... values) throws SQLException {
    return Integer.parseInt(column(sql, values).get(0));
  }
}
