package dev.espalier.messaging.publish;

import static dev.espalier.testkit.Eventually.within;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.Messages;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.TestConsumer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class EventPublisherTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();

  private static final Duration SOON = Duration.ofSeconds(60);

  private final String stage = "stage-" + UUID.randomUUID();

  @BeforeAll
  static void createTopics() {
    TopicAdmin.createAll(kafka(), SOON);
  }

  @Test
  void keepsEveryMessageInOrderThroughAnOutageWithoutHoldingUpTheCaller() {
    try (var publisher = new EventPublisher(kafka(), "test", new SimpleMeterRegistry());
        var consumer = TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.STAGE_REPORTS)) {
      publish(publisher, 1, 100);
      KAFKA.stop();
      CompletableFuture<Void> last = publish(publisher, 101, 200);
      assertThat(publisher.flush(Duration.ofMillis(500))).isFalse();
      assertThat(last).isNotDone();
      KAFKA.start();
      publish(publisher, 201, 300);
      assertThat(publisher.flush(SOON)).isTrue();
      assertThat(last).isCompleted();
      within(SOON, () -> assertThat(steps(consumer)).isEqualTo(numbers(1, 300)));
    }
  }

  @Test
  void startsBeforeTheBrokerDoes() {
    KAFKA.stop();
    try (var publisher = new EventPublisher(kafka(), "test", new SimpleMeterRegistry())) {
      CompletableFuture<Void> sent = publish(publisher, 1, 1);
      assertThat(publisher.flush(Duration.ofMillis(300))).isFalse();
      KAFKA.start();
      within(SOON, () -> assertThat(sent).isCompleted());
    } finally {
      KAFKA.start();
    }
  }

  @Test
  void failsAMessageThatTheBrokerRefusesAndGoesOn() {
    try (var publisher = new EventPublisher(kafka(), "test", new SimpleMeterRegistry())) {
      byte[] huge = new byte[TopicAdmin.LARGEST_MESSAGE_BYTES + 1];
      assertThatThrownBy(
              () -> publisher.publish(new ProducerRecord<>(Topics.STAGE_REPORTS, "k", huge)).join())
          .hasCauseInstanceOf(RecordTooLargeException.class);
      publish(publisher, 1, 1).join();
    }
  }

  @Test
  void refusesToWriteWhatBreaksTheContract() {
    try (var publisher = new EventPublisher(kafka(), "test", new SimpleMeterRegistry())) {
      StageReport invalid = Messages.progressed(stage, 1).toBuilder().setStageId("x").build();
      assertThatThrownBy(
              () -> publisher.publish(TopicContract.STAGE_REPORTS, invalid, TraceContext.start()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("stage_id");
    }
  }

  @Test
  void namesTypeAndTraceInHeaders() {
    TraceContext trace = TraceContext.start();
    try (var publisher = new EventPublisher(kafka(), "test", new SimpleMeterRegistry());
        var consumer = TestConsumer.fromNow(KAFKA.bootstrapServers(), Topics.STAGE_REPORTS)) {
      publisher.publish(TopicContract.STAGE_REPORTS, Messages.progressed(stage, 1), trace);
      var record =
          within(
              SOON,
              () ->
                  consumer.records().stream()
                      .filter(one -> Messages.stageId(stage).equals(one.key()))
                      .findFirst()
                      .orElseThrow());
      assertThat(
              new String(record.headers().lastHeader("event-type").value(), StandardCharsets.UTF_8))
          .isEqualTo("stage_progressed");
      assertThat(TraceContext.from(record.headers())).contains(trace);
    }
  }

  private CompletableFuture<Void> publish(EventPublisher publisher, long from, long to) {
    return LongStream.rangeClosed(from, to)
        .mapToObj(
            step ->
                publisher.publish(
                    TopicContract.STAGE_REPORTS,
                    Messages.progressed(stage, step),
                    TraceContext.start()))
        .reduce((first, second) -> second)
        .orElseThrow();
  }

  private List<Long> steps(TestConsumer consumer) {
    return stream(consumer).map(report -> report.getStageProgressed().getStep()).toList();
  }

  private Stream<StageReport> stream(TestConsumer consumer) {
    return consumer
        .messages(
            StageReport.parser(), report -> report.getStageId().equals(Messages.stageId(stage)))
        .stream();
  }

  private static List<Long> numbers(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  private static KafkaSettings kafka() {
    return KafkaSettings.of(KAFKA.bootstrapServers());
  }
}
