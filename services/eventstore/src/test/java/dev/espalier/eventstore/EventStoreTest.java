package dev.espalier.eventstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.eventstore.EventStore.Addition;
import dev.espalier.eventstore.EventStore.Span;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.schemas.stage.v1.RevokeStage;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageEvent;
import dev.espalier.testkit.Postgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class EventStoreTest {

  private static Postgres.Database database;
  private static Transactions transactions;

  private final EventStore store = new EventStore();
  private final String stream = "stage-" + UUID.randomUUID();

  @BeforeAll
  static void migrate() {
    database = TestEvents.newDatabase();
    transactions = new Transactions(database.dataSource());
  }

  @Test
  void givesBackWhatWasAppendedInOrder() throws Exception {
    NewEvent first = TestEvents.held(stream, 1);
    NewEvent second = TestEvents.held(stream, 2);
    NewEvent third = TestEvents.held(stream, 3);
    assertThat(append(0, first, second)).isEqualTo(2);
    assertThat(append(2, third)).isEqualTo(3);

    List<StoredEvent> events = transactions.call(connection -> store.load(connection, stream));
    assertThat(events).extracting(StoredEvent::version).containsExactly(1L, 2L, 3L);
    assertThat(events)
        .extracting(StoredEvent::eventId)
        .containsExactly(first.eventId(), second.eventId(), third.eventId());
    StoredEvent stored = events.get(0);
    assertThat(StageEvent.parseFrom(stored.payload()).getStageHeld().getReason())
        .isEqualTo("version 1");
    assertThat(stored.type()).isEqualTo("stage_held");
    assertThat(stored.traceparent()).isEqualTo(first.traceparent());
    assertThat(stored.partition()).isNull();
    List<StoredEvent> later =
        transactions.call(connection -> store.loadAfter(connection, stream, 2));
    assertThat(later).extracting(StoredEvent::version).containsExactly(3L);
  }

  @Test
  void refusesAnAppendAtAnotherVersion() throws Exception {
    append(0, TestEvents.held(stream, 1));
    assertThatThrownBy(() -> appendOnce(0, TestEvents.held(stream, 1)))
        .isInstanceOf(VersionConflict.class)
        .hasMessageContaining("expected at version 0 but is at 1");
    assertThatThrownBy(() -> appendOnce(5, TestEvents.held(stream, 6)))
        .isInstanceOf(VersionConflict.class);
  }

  @Test
  void letsOneOfTwoConcurrentWritersWinAndTheOtherDecideAgain() throws Exception {
    int writers = 8;
    var start = new CountDownLatch(1);
    List<CompletableFuture<Long>> all =
        IntStream.range(0, writers)
            .mapToObj(
                writer ->
                    CompletableFuture.supplyAsync(
                        () -> {
                          try {
                            start.await();
                            return transactions.call(
                                connection -> {
                                  int known = store.load(connection, stream).size();
                                  return store.append(
                                      connection,
                                      stream,
                                      known,
                                      List.of(TestEvents.held(stream, known + 1)));
                                });
                          } catch (SQLException | InterruptedException e) {
                            throw new IllegalStateException(e);
                          }
                        },
                        task -> new Thread(task).start()))
            .toList();
    start.countDown();
    List<Long> versions = all.stream().map(CompletableFuture::join).sorted().toList();
    assertThat(versions).isEqualTo(LongStream.rangeClosed(1, writers).boxed().toList());
    List<StoredEvent> events = transactions.call(connection -> store.load(connection, stream));
    assertThat(events).extracting(StoredEvent::id).isSorted();
  }

  @Test
  void leavesNothingBehindWhenTheWorkFails() throws Exception {
    assertThatThrownBy(
            () ->
                transactions.run(
                    connection -> {
                      store.append(connection, stream, 0, List.of(TestEvents.held(stream, 1)));
                      throw new IllegalStateException("no");
                    }))
        .hasMessage("no");
    long version = transactions.call(connection -> store.version(connection, stream));
    assertThat(version).isZero();
  }

  @Test
  void refusesAnEventIdThatIsInAnotherStream() throws Exception {
    UUID id = UUID.randomUUID();
    append(0, TestEvents.held(id, stream, 1));
    assertThatThrownBy(
            () ->
                transactions.run(
                    connection ->
                        store.append(
                            connection,
                            stream + "-other",
                            0,
                            List.of(TestEvents.held(id, stream, 1)))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("already in stream " + stream);
  }

  @Test
  void appendsToManyStreamsAtOnceOrToNone() throws Exception {
    String other = stream + "-other";
    append(0, TestEvents.held(stream, 1));
    transactions.run(
        connection ->
            store.append(
                connection,
                List.of(
                    new Addition(stream, 1, List.of(TestEvents.held(stream, 2))),
                    new Addition(
                        other, 0, List.of(TestEvents.held(other, 1), TestEvents.held(other, 2))))));
    Map<String, List<StoredEvent>> found =
        transactions.call(
            connection ->
                store.load(connection, Map.of(stream, Span.after(1), other, new Span(0, 1))));
    assertThat(found.get(stream)).extracting(StoredEvent::version).containsExactly(2L);
    assertThat(found.get(other)).extracting(StoredEvent::version).containsExactly(1L);

    String third = stream + "-third";
    assertThatThrownBy(
            () ->
                onceOnly(
                    new Addition(third, 0, List.of(TestEvents.held(third, 1))),
                    new Addition(other, 1, List.of(TestEvents.held(other, 2)))))
        .isInstanceOf(VersionConflict.class)
        .hasMessageContaining(other + " was expected at version 1 but is at 2");
    long untouched = transactions.call(connection -> store.version(connection, third));
    assertThat(untouched).isZero();
  }

  private void onceOnly(Addition... additions) throws SQLException {
    try (var connection = database.dataSource().getConnection()) {
      connection.setAutoCommit(false);
      try {
        store.append(connection, List.of(additions));
        connection.commit();
      } finally {
        connection.rollback();
      }
    }
  }

  @Test
  void queuesCommandsBesideTheStreamsForTheirPartition() throws Exception {
    UUID id = UUID.randomUUID();
    StageCommand command =
        StageCommand.newBuilder()
            .setEventId(id.toString())
            .setOccurredAt(com.google.protobuf.Timestamp.newBuilder().setSeconds(1))
            .setWorkerId("trainer-1")
            .setStageId(TestEvents.stageId("s"))
            .setRevokeStage(RevokeStage.newBuilder().setLeaseId(UUID.randomUUID().toString()))
            .build();
    NewEvent message =
        NewEvent.toPartition(
            TopicContract.STAGE_COMMANDS, command, 17, Instant.now(), TraceContext.start());
    transactions.run(
        connection -> {
          store.append(connection, stream, 0, List.of(TestEvents.held(stream, 1)));
          store.enqueue(connection, List.of(message));
        });
    StoredEvent row =
        transactions.call(connection -> store.load(connection, "outbox/" + id)).get(0);
    assertThat(row.partition()).isEqualTo(17);
    assertThat(row.key()).isEqualTo("trainer-1");
    List<StoredEvent> replayed =
        transactions.call(connection -> store.readAll(connection, row.id() - 2, 10));
    assertThat(replayed)
        .as("replay sees streams alone")
        .extracting(StoredEvent::stream)
        .containsExactly(stream);
  }

  @Test
  void readsTheClockOfTheDatabaseAtTheMoment() throws Exception {
    transactions.run(
        connection -> {
          Instant before = store.now(connection);
          connection.createStatement().execute("select pg_sleep(0.01)");
          assertThat(store.now(connection)).isAfter(before);
        });
  }

  private long append(long expected, NewEvent... events) throws SQLException {
    return transactions.call(
        connection -> store.append(connection, stream, expected, List.of(events)));
  }

  /** Without the repeats of {@link Transactions}. */
  private void appendOnce(long expected, NewEvent event) throws SQLException {
    try (Connection connection = database.dataSource().getConnection()) {
      connection.setAutoCommit(false);
      store.append(connection, stream, expected, List.of(event));
    }
  }
}
