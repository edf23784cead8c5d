package dev.espalier.scheduler.intake;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.registry.Registry;
import dev.espalier.scheduler.security.Access;
import dev.espalier.scheduler.security.Caller;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.Changes;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.stream.TrialStreams;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.sweep.v1.SweepCommand;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.schemas.trial.v1.PlannedStage;
import dev.espalier.schemas.trial.v1.TrialPlanned;
import dev.espalier.sweep.spec.Violation;
import dev.espalier.testkit.Postgres;
import java.io.ByteArrayInputStream;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;

/** Both doors over a real database of their own, with one model and one dataset registered. */
final class Door {

  static final String MODEL_SHA256 = "a".repeat(64);
  static final String DATASET_SHA256 = "b".repeat(64);
  static final String VALID =
      """
      name: small
      model: vit
      dataset: images
      methods: [magnitude]
      targets: {macs: [0.5]}
      seeds: [1, 2]
      """;

  final DataSource dataSource = Postgres.shared().newDatabase().dataSource();
  final Registry registry;
  final SweepIntake intake;
  final Steering steering;
  private final EventStore events = new EventStore();
  private final TrialStreams trials = new TrialStreams(events);
  final SweepCommandConsumer kafka;
  private final IntakeResource rest;
  private final SteeringResource steer;

  Door() throws SQLException {
    Flyway.configure().dataSource(dataSource).load().migrate();
    Transactions transactions = new Transactions(dataSource);
    SweepStreams sweeps = new SweepStreams(events, transactions);
    registry = new Registry(dataSource);
    intake = new SweepIntake(registry, sweeps);
    steering = new Steering(sweeps, trials);
    kafka =
        new SweepCommandConsumer(
            transactions, new Inbox(), intake, steering, sweeps, Access.local());
    rest = new IntakeResource(intake, transactions, () -> Caller.LOCAL);
    steer = new SteeringResource(steering, transactions, dataSource, () -> Caller.LOCAL);
    String base = VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384).toJson();
    registry.register(Registry.Kind.MODEL, "vit", MODEL_SHA256, 100, base, false);
    registry.register(Registry.Kind.DATASET, "images", DATASET_SHA256, 100, "{}", false);
    dataset("fitting", 1, 28, 10);
    dataset("cifar100", 3, 32, 100);
    dataset("letters", 1, 28, 26);
  }

  private void dataset(String name, int channels, int imageSize, int classes) throws SQLException {
    String summary =
        "{\"channels\": %d, \"imageSize\": %d, \"classes\": %d, \"images\": {\"train\": 9}}"
            .formatted(channels, imageSize, classes);
    registry.register(Registry.Kind.DATASET, name, DATASET_SHA256, 100, summary, false);
  }

  /** Submits through REST; the receipt of what was accepted. */
  SweepIntake.Receipt post(String text, String run) throws Exception {
    return (SweepIntake.Receipt)
        rest.submit(run, null, null, new ByteArrayInputStream(text.getBytes("UTF-8"))).getEntity();
  }

  /** Submits through REST what must be refused. */
  Problem refusedPost(byte[] body) throws Exception {
    try {
      rest.submit(null, null, null, new ByteArrayInputStream(body));
    } catch (Problem problem) {
      return problem;
    }
    throw new AssertionError("was accepted");
  }

  SteeringResource steer() {
    return steer;
  }

  /** Makes a trial of one stage known, as planning would. */
  void plan(String sweepId, String trialId) throws SQLException {
    TrialPlanned planned =
        TrialPlanned.newBuilder()
            .setSweepId(sweepId)
            .addStages(PlannedStage.newBuilder().setStageId("c".repeat(64)))
            .build();
    Changes.in(
        new Transactions(dataSource),
        events,
        changes -> {
          trials.plan(changes, trialId, planned, Cause.none());
          return null;
        });
  }

  List<String> texts(String sql) throws SQLException {
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      List<String> texts = new ArrayList<>();
      while (rows.next()) {
        texts.add(rows.getString(1));
      }
      return texts;
    }
  }

  /** Hands a command to the Kafka door, without key. */
  void send(SweepCommand command) throws SQLException {
    kafka.handle(
        new ConsumedRecord<>(
            Topics.SWEEP_COMMANDS,
            0,
            0,
            Instant.now(),
            null,
            command.getEventId(),
            "submit_sweep",
            command,
            command.toByteArray(),
            TraceContext.start(),
            null));
  }

  /** What a command was refused for; empty if it was not. */
  Optional<List<Violation>> rejection(String eventId) throws Exception {
    List<byte[]> payloads = new ArrayList<>();
    try (var connection = dataSource.getConnection();
        var statement = connection.prepareStatement("select payload from event where stream = ?")) {
      statement.setString(1, "rejection-" + eventId);
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          payloads.add(rows.getBytes(1));
        }
      }
    }
    if (payloads.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        SweepEvent.parseFrom(payloads.get(0)).getSweepRejected().getViolationsList().stream()
            .map(v -> new Violation(v.getField(), v.getExpected(), v.getFound()))
            .toList());
  }

  long count(String sql) throws SQLException {
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getLong(1);
    }
  }
}
