package dev.espalier.messaging.consume;

import static dev.espalier.testkit.Eventually.within;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.Messages;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.TestConsumer;
import dev.espalier.testkit.TestProducer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class RecordLoopTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();

  private static final Duration SOON = Duration.ofSeconds(60);

  private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
  private final String stage = "stage-" + UUID.randomUUID();
  private final List<Long> steps = new CopyOnWriteArrayList<>();
  private TestProducer producer;
  private RecordLoop<StageReport> loop;

  @BeforeAll
  static void createTopics() {
    TopicAdmin.createAll(kafka(), SOON);
    TopicAdmin.createAll(kafka(), SOON);
  }

  @BeforeEach
  void openProducer() {
    producer = new TestProducer(KAFKA.bootstrapServers());
  }

  @AfterEach
  void stop() {
    if (loop != null) {
      loop.close();
    }
    producer.close();
  }

  @Test
  void parksUnreadableRecordsWithTheirReasonAndGoesOn() {
    try (var parked =
        TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.deadLetters(Topics.STAGE_REPORTS))) {
      start(record -> steps.add(step(record)));
      String key = Messages.stageId(stage);
      send(1);
      producer.send(Topics.STAGE_REPORTS, key, new byte[] {(byte) 0xff, 1, 2, 3, 77});
      producer.send(Topics.STAGE_REPORTS, key, new byte[0]);
      producer.send(Topics.STAGE_REPORTS, key, report(9).toBuilder().setGeneration(0).build());
      producer.send(Topics.STAGE_REPORTS, key, report(9).toBuilder().clearReport().build());
      send(2);

      within(SOON, () -> assertThat(steps).containsExactly(1L, 2L));
      within(
          SOON,
          () ->
              assertThat(parked.records())
                  .extracting(record -> header(record, DeadLetters.REASON))
                  .containsExactly("unparsable", "empty", "invalid", "unknown-type"));
      ConsumerRecord<String, byte[]> first = parked.records().get(0);
      assertThat(first.value()).isEqualTo(new byte[] {(byte) 0xff, 1, 2, 3, 77});
      assertThat(first.key()).isEqualTo(key);
      assertThat(header(first, DeadLetters.TOPIC)).isEqualTo(Topics.STAGE_REPORTS);
      assertThat(header(first, DeadLetters.CONSUMER)).isEqualTo("test");
      assertThat(header(first, DeadLetters.PARTITION)).matches("[0-7]");
      assertThat(header(first, DeadLetters.OFFSET)).matches("\\d+");
      assertThat(header(parked.records().get(2), DeadLetters.MESSAGE)).contains("generation");
      assertThat(
              metrics
                  .counter(
                      "espalier.dead.letters",
                      "topic",
                      Topics.STAGE_REPORTS,
                      "reason",
                      "unparsable")
                  .count())
          .isEqualTo(1);
    }
  }

  @Test
  void parksARecordThatItsHandlerCannotTakeAfterThreeTries() {
    try (var parked =
        TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.deadLetters(Topics.STAGE_REPORTS))) {
      var tries = new AtomicInteger();
      start(
          record -> {
            if (step(record) == 2) {
              tries.incrementAndGet();
              throw new IllegalStateException("cannot be");
            }
            steps.add(step(record));
          });
      send(1, 2, 3);
      within(SOON, () -> assertThat(steps).containsExactly(1L, 3L));
      assertThat(tries).hasValue(3);
      within(
          SOON,
          () ->
              assertThat(parked.records())
                  .singleElement()
                  .satisfies(
                      record -> {
                        assertThat(header(record, DeadLetters.REASON)).isEqualTo("handler-failed");
                        assertThat(header(record, DeadLetters.MESSAGE)).contains("cannot be");
                        assertThat(StageReport.parseFrom(record.value()).getStageProgressed())
                            .extracting(progress -> progress.getStep())
                            .isEqualTo(2L);
                      }));
    }
  }

  @Test
  void waitsOutAnErrorThatPassesInOrderAndWithoutADeadLetter() {
    try (var parked =
        TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.deadLetters(Topics.STAGE_REPORTS))) {
      var outage = new AtomicBoolean(true);
      var tries = new AtomicInteger();
      start(
          record -> {
            if (outage.get()) {
              tries.incrementAndGet();
              throw new RuntimeException(new SQLTransientConnectionException("database away"));
            }
            steps.add(step(record));
          });
      send(1, 2, 3);
      within(SOON, () -> assertThat(tries).hasValueGreaterThan(4));
      assertThat(loop.health().lastError()).get().asString().contains("database away");
      outage.set(false);
      within(SOON, () -> assertThat(steps).containsExactly(1L, 2L, 3L));
      assertThat(parked.records()).isEmpty();
      assertThat(loop.health().lastError()).isEmpty();
    }
  }

  @Test
  void findsTheOneBadRecordOfABatch() {
    var batches = new CopyOnWriteArrayList<Integer>();
    try (var parked =
        TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.deadLetters(Topics.STAGE_REPORTS))) {
      send(LongStream.rangeClosed(1, 60).toArray());
      loop =
          builder()
              .batches(
                  records -> {
                    List<Long> mine =
                        records.stream().filter(this::isMine).map(RecordLoopTest::step).toList();
                    if (mine.contains(30L)) {
                      throw new IllegalArgumentException("no 30");
                    }
                    batches.add(mine.size());
                    steps.addAll(mine);
                  })
              .build();
      loop.start();
      within(
          SOON,
          () ->
              assertThat(steps)
                  .containsExactlyElementsOf(
                      LongStream.rangeClosed(1, 60).filter(n -> n != 30).boxed().toList()));
      within(SOON, () -> assertThat(parked.records()).hasSize(1));
      send(LongStream.rangeClosed(61, 80).toArray());
      within(SOON, () -> assertThat(steps).hasSize(79));
    }
  }

  @Test
  void handsOverAWholePollAndFindsTheOneBadRecordOfIt() {
    var partitions = new CopyOnWriteArrayList<Integer>();
    try (var parked =
        TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.deadLetters(Topics.STAGE_REPORTS))) {
      List<String> stages = IntStream.range(0, 20).mapToObj(i -> stage + i).toList();
      Set<String> ids = stages.stream().map(Messages::stageId).collect(Collectors.toSet());
      for (long number = 1; number <= 3; number++) {
        for (String one : stages) {
          producer.send(
              Topics.STAGE_REPORTS, Messages.stageId(one), Messages.progressed(one, number));
        }
      }
      String bad = Messages.stageId(stage + 7);
      Map<String, List<Long>> seen = new ConcurrentHashMap<>();
      loop =
          builder()
              .polls(
                  records -> {
                    List<ConsumedRecord<StageReport>> mine =
                        records.stream()
                            .filter(record -> ids.contains(record.message().getStageId()))
                            .toList();
                    if (mine.stream()
                        .anyMatch(record -> record.key().equals(bad) && step(record) == 2)) {
                      throw new IllegalArgumentException("no 2 of the seventh");
                    }
                    partitions.add(
                        (int) records.stream().map(ConsumedRecord::partition).distinct().count());
                    mine.forEach(
                        record ->
                            seen.computeIfAbsent(record.key(), key -> new CopyOnWriteArrayList<>())
                                .add(step(record)));
                  })
              .build();
      loop.start();
      within(
          SOON,
          () ->
              assertThat(seen)
                  .hasSize(20)
                  .allSatisfy(
                      (key, steps) ->
                          assertThat(steps)
                              .isEqualTo(key.equals(bad) ? List.of(1L, 3L) : List.of(1L, 2L, 3L))));
      within(SOON, () -> assertThat(parked.records()).hasSize(1));
      within(
          SOON,
          () -> {
            stages.forEach(
                one ->
                    producer.send(
                        Topics.STAGE_REPORTS, Messages.stageId(one), Messages.progressed(one, 4)));
            assertThat(partitions).as("polls of several partitions").anyMatch(count -> count > 1);
          });
    }
  }

  @Test
  void goesOnAfterTheLastCommitAndRepeatsOnlyWhatWasNotHandled() {
    String group = "group-" + UUID.randomUUID();
    loop = builder().group(group).each(mine(record -> steps.add(step(record)))).build();
    loop.start();
    send(1, 2);
    within(SOON, () -> assertThat(steps).containsExactly(1L, 2L));
    loop.close();
    send(3);
    loop = builder().group(group).each(mine(record -> steps.add(step(record)))).build();
    loop.start();
    within(SOON, () -> assertThat(steps).containsExactly(1L, 2L, 3L));
  }

  @Test
  void sharesPartitionsWithItsGroupAndTellsWhichItOwns() {
    String group = "group-" + UUID.randomUUID();
    Map<Integer, String> owners = new ConcurrentHashMap<>();
    loop = owner(group, "a", owners);
    loop.start();
    within(SOON, () -> assertThat(owners).hasSize(8).containsValue("a"));
    try (RecordLoop<StageReport> other = owner(group, "b", owners)) {
      other.start();
      within(SOON, () -> assertThat(owners.values()).hasSize(8).contains("a", "b"));
      within(
          SOON,
          () ->
              assertThat(other.health().partitions())
                  .isNotEmpty()
                  .doesNotContainAnyElementsOf(loop.health().partitions()));
    }
    within(SOON, () -> assertThat(loop.health().partitions()).hasSize(8));
  }

  @Test
  void stopsForGoodWhenItsHandlerSaysSo() {
    start(
        record -> {
          throw new StopReading("an event from the future");
        });
    send(1);
    within(SOON, () -> assertThat(loop.health().alive()).isFalse());
    assertThat(loop.health().lastError()).contains("an event from the future");
  }

  @Test
  void ridesOutABrokerOutageAndIsNotCaughtUpMeanwhile() {
    start(record -> steps.add(step(record)));
    send(1);
    within(SOON, () -> assertThat(steps).containsExactly(1L));
    within(SOON, () -> assertThat(loop.caughtUpFor()).isPositive());
    assertThat(loop.health().connected()).isTrue();
    KAFKA.stop();
    within(SOON, () -> assertThat(loop.caughtUpFor()).isZero());
    within(SOON, () -> assertThat(loop.health().connected()).isFalse());
    assertThat(loop.health().alive()).isTrue();
    KAFKA.start();
    send(2);
    within(SOON, () -> assertThat(steps).containsExactly(1L, 2L));
    within(SOON, () -> assertThat(loop.caughtUpFor()).isPositive());
  }

  @Test
  void handsOnTheTraceOfTheRecord() {
    var traces = new CopyOnWriteArrayList<TraceContext>();
    start(record -> traces.add(record.trace()));
    TraceContext trace = TraceContext.start();
    try (var publisher =
        new dev.espalier.messaging.publish.EventPublisher(kafka(), "test", metrics)) {
      publisher.publish(TopicContract.STAGE_REPORTS, report(1), trace);
      within(SOON, () -> assertThat(traces).containsExactly(trace));
    }
  }

  private void start(RecordHandler<StageReport> handler) {
    loop = builder().each(mine(handler)).build();
    loop.start();
    within(SOON, () -> assertThat(loop.caughtUpFor()).isPositive());
  }

  /** Other tests' records are on the same topic. */
  private RecordHandler<StageReport> mine(RecordHandler<StageReport> handler) {
    return record -> {
      if (isMine(record)) {
        handler.handle(record);
      }
    };
  }

  private boolean isMine(ConsumedRecord<StageReport> record) {
    return record.message().getStageId().equals(Messages.stageId(stage));
  }

  private RecordLoop.Builder<StageReport> builder() {
    return RecordLoop.over(TopicContract.STAGE_REPORTS, "test")
        .kafka(kafka())
        .group("group-" + UUID.randomUUID())
        .metrics(metrics);
  }

  private RecordLoop<StageReport> owner(String group, String name, Map<Integer, String> owners) {
    return builder()
        .group(group)
        .each(record -> {})
        .onAssigned(added -> added.forEach(partition -> owners.put(partition, name)))
        .onRevoked(gone -> gone.forEach(partition -> owners.remove(partition, name)))
        .build();
  }

  private StageReport report(long step) {
    return Messages.progressed(stage, step);
  }

  private void send(long... numbers) {
    for (long number : numbers) {
      producer.send(Topics.STAGE_REPORTS, Messages.stageId(stage), report(number));
    }
  }

  private static long step(ConsumedRecord<StageReport> record) {
    return record.message().getStageProgressed().getStep();
  }

  private static String header(ConsumerRecord<?, ?> record, String name) {
    return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
  }

  private static KafkaSettings kafka() {
    return KafkaSettings.of(KAFKA.bootstrapServers());
  }
}
