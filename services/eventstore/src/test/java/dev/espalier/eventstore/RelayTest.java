package dev.espalier.eventstore;

import static dev.espalier.testkit.Eventually.within;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.StageEvent;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import dev.espalier.testkit.TestConsumer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class RelayTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final Duration SOON = Duration.ofSeconds(60);

  private final EventStore store = new EventStore();
  private final String stream = "stage-" + UUID.randomUUID();
  private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
  private Postgres.Database database;
  private Transactions transactions;
  private TestConsumer consumer;
  private Relay relay;

  @BeforeAll
  static void createTopics() {
    TopicAdmin.createAll(kafka(), SOON);
  }

  @BeforeEach
  void open() {
    database = TestEvents.newDatabase();
    transactions = new Transactions(database.dataSource());
    consumer = TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.STAGE_EVENTS);
    relay = new Relay(database.dataSource(), kafka(), metrics);
  }

  @AfterEach
  void close() {
    relay.close();
    consumer.close();
  }

  @Test
  void publishesWhatIsCommittedWithTypeAndTraceAndNothingElse() throws Exception {
    NewEvent event = TestEvents.held(stream, 1);
    relay.start();
    transactions.run(connection -> store.append(connection, stream, 0, List.of(event)));
    try (var connection = database.dataSource().getConnection()) {
      connection.setAutoCommit(false);
      store.append(connection, stream, 1, List.of(TestEvents.held(stream, 2)));
      connection.rollback();
    }
    append(2, 2);
    within(SOON, () -> assertThat(versions(stream)).containsExactly(1L, 2L));
    var record = consumer.records().get(0);
    assertThat(record.value()).isEqualTo(event.payload());
    assertThat(record.key()).isEqualTo(event.key());
    assertThat(new String(record.headers().lastHeader("event-type").value()))
        .isEqualTo("stage_held");
    assertThat(TraceContext.from(record.headers()).map(TraceContext::traceparent))
        .contains(event.traceparent());
    within(SOON, () -> assertThat(unpublished()).isZero());
    assertThat(metrics.get("espalier.outbox.publish.latency").timer().count()).isEqualTo(2);
  }

  @Test
  void publishesAnEventWhoseIdIsBelowOthersThatWerePublishedBefore() throws Exception {
    relay.start();
    String slow = stream + "-slow";
    try (var connection = database.dataSource().getConnection()) {
      connection.setAutoCommit(false);
      // Takes its id now and commits after another that comes later.
      store.append(connection, slow, 0, List.of(TestEvents.held(slow, 1)));
      append(1, 1);
      within(SOON, () -> assertThat(versions(stream)).containsExactly(1L));
      connection.commit();
    }
    within(SOON, () -> assertThat(versions(slow)).containsExactly(1L));
  }

  @Test
  void losesNothingAndKeepsTheOrderThroughABrokerOutage() throws Exception {
    relay.start();
    append(1, 50);
    within(SOON, () -> assertThat(versions(stream)).hasSize(50));
    KAFKA.stop();
    append(51, 120);
    within(SOON, () -> assertThat(relay.health().lastError()).isPresent());
    KAFKA.start();
    append(121, 150);
    within(SOON, () -> assertThat(distinct(versions(stream))).isEqualTo(numbers(1, 150)));
    within(SOON, () -> assertThat(unpublished()).isZero());
    within(SOON, () -> assertThat(relay.health().lastError()).isEmpty());
  }

  @Test
  void goesOnAfterTheDatabaseWasAway() throws Exception {
    relay.start();
    append(1, 3);
    within(SOON, () -> assertThat(versions(stream)).hasSize(3));
    POSTGRES.stop();
    within(SOON, () -> assertThat(relay.health().lastError()).isPresent());
    POSTGRES.start();
    append(4, 6);
    within(SOON, () -> assertThat(distinct(versions(stream))).isEqualTo(numbers(1, 6)));
  }

  @Test
  void aSuccessorFencesARelayThatLostItsLockWithoutKnowing() throws Exception {
    var holding = new CountDownLatch(1);
    var letGo = new CountDownLatch(1);
    var first =
        new Relay(
            database.dataSource(),
            kafka(),
            new SimpleMeterRegistry(),
            () -> {
              holding.countDown();
              letGo.await();
            });
    try {
      first.start();
      append(1, 3);
      // The first has sent its batch and stands before its commit; its session dies.
      holding.await();
      relay.start();
      assertThat(relay.health().publishing()).isFalse();
      endSessionsOfRelays();
      within(SOON, () -> assertThat(versions(stream)).isEqualTo(numbers(1, 3)));
      letGo.countDown();
      append(4, 5);
      within(SOON, () -> assertThat(versions(stream)).isEqualTo(numbers(1, 5)));
      within(SOON, () -> assertThat(first.health().publishing()).isFalse());
      assertThat(relay.health().publishing()).isTrue();
      // Nothing of the fenced batch may surface later either.
      String last = stream + "-last";
      transactions.run(
          connection -> store.append(connection, last, 0, List.of(TestEvents.held(last, 1))));
      within(SOON, () -> assertThat(versions(last)).hasSize(1));
      assertThat(versions(stream)).isEqualTo(numbers(1, 5));
    } finally {
      letGo.countDown();
      first.close();
    }
  }

  @Test
  void anotherRelayTakesOverWhenOneCloses() throws Exception {
    var second = new Relay(database.dataSource(), kafka(), new SimpleMeterRegistry());
    try (second) {
      relay.start();
      within(SOON, () -> assertThat(relay.health().publishing()).isTrue());
      second.start();
      append(1, 2);
      within(SOON, () -> assertThat(versions(stream)).hasSize(2));
      assertThat(second.health().publishing()).isFalse();
      relay.close();
      append(3, 4);
      within(SOON, () -> assertThat(versions(stream)).isEqualTo(numbers(1, 4)));
      assertThat(second.health().publishing()).isTrue();
    }
  }

  @Test
  void sendsACommandToThePartitionItNames() throws Exception {
    try (var commands = TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.STAGE_COMMANDS)) {
      relay.start();
      var command =
          dev.espalier.schemas.stage.v1.StageCommand.newBuilder()
              .setEventId(UUID.randomUUID().toString())
              .setOccurredAt(com.google.protobuf.Timestamp.newBuilder().setSeconds(1))
              .setWorkerId("trainer-1")
              .setStageId(TestEvents.stageId(stream))
              .setRevokeStage(
                  dev.espalier.schemas.stage.v1.RevokeStage.newBuilder()
                      .setLeaseId(UUID.randomUUID().toString()))
              .build();
      transactions.run(
          connection ->
              store.enqueue(
                  connection,
                  List.of(
                      NewEvent.toPartition(
                          TopicContract.STAGE_COMMANDS,
                          command,
                          41,
                          java.time.Instant.now(),
                          TraceContext.start()))));
      within(
          SOON,
          () ->
              assertThat(commands.records())
                  .singleElement()
                  .satisfies(record -> assertThat(record.partition()).isEqualTo(41)));
    }
  }

  private void append(long from, long to) throws SQLException {
    for (long version = from; version <= to; version++) {
      long next = version;
      transactions.run(
          connection ->
              store.append(connection, stream, next - 1, List.of(TestEvents.held(stream, next))));
    }
  }

  private List<Long> versions(String name) {
    return consumer
        .messages(StageEvent.parser(), event -> event.getStageId().equals(TestEvents.stageId(name)))
        .stream()
        .map(StageEvent::getStreamVersion)
        .toList();
  }

  /** What a reader is left with that drops versions it has seen; fails on a step back. */
  private static List<Long> distinct(List<Long> versions) {
    return versions.stream().distinct().toList();
  }

  private void endSessionsOfRelays() throws SQLException {
    transactions.run(
        connection ->
            connection
                .createStatement()
                .execute(
                    "select pg_terminate_backend(pid) from pg_locks "
                        + "where locktype = 'advisory' and granted and database = "
                        + "(select oid from pg_database where datname = current_database())"));
  }

  private long unpublished() throws SQLException {
    return transactions.call(
        connection -> {
          try (ResultSet row =
              connection
                  .createStatement()
                  .executeQuery("select count(*) from event where published_at is null")) {
            row.next();
            return row.getLong(1);
          }
        });
  }

  private static List<Long> numbers(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  private static KafkaSettings kafka() {
    return KafkaSettings.of(KAFKA.bootstrapServers());
  }
}
