package dev.espalier.scheduler.deadletters;

import static dev.espalier.scheduler.testing.TestPlatform.SOON;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import dev.espalier.scheduler.deadletters.DeadLetterOffice.Action;
import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.stage.v1.StageStarted;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import dev.espalier.testkit.TestProducer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class DeadLetterOfficeTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private final TestPlatform platform = TestPlatform.shared();
  private final DeadLetterOffice office =
      new DeadLetterOffice(platform.dataSource(), platform.kafka());

  @Test
  void listsWhatAConsumerParkedUntilItIsDiscarded() throws Exception {
    String key = UUID.randomUUID().toString();
    try (SchedulerRuntime scheduler = platform.scheduler();
        TestProducer producer = new TestProducer(KAFKA.bootstrapServers())) {
      producer.send(Topics.STAGE_REPORTS, key, new byte[] {1, 2, 3});
      DeadLetter letter =
          Eventually.within(
              SOON,
              () ->
                  office.open().stream()
                      .filter(open -> key.equals(open.key()))
                      .findFirst()
                      .orElseThrow());

      assertThat(letter.topic()).isEqualTo(Topics.STAGE_REPORTS);
      assertThat(letter.reason()).isEqualTo("unparsable");
      assertThat(letter.consumer()).isEqualTo("progress");
      assertThat(letter.bytes()).isEqualTo(3);
      var opened = office.show(letter.topic(), letter.partition(), letter.offset()).orElseThrow();
      assertThat(opened.content()).isEqualTo("01 02 03");
      assertThat(opened.settled()).isFalse();

      office
          .settle(letter.topic(), letter.partition(), letter.offset(), Action.DISCARDED, "operator")
          .orElseThrow();

      assertThat(office.open()).noneMatch(open -> key.equals(open.key()));
      assertThat(
              office
                  .show(letter.topic(), letter.partition(), letter.offset())
                  .orElseThrow()
                  .settled())
          .isTrue();
      assertThat(
              platform.column(
                  "select action || ' by ' || settled_by from dead_letter_settled"
                      + " where topic = ? and partition = ? and record_offset = ?",
                  letter.topic(),
                  letter.partition(),
                  letter.offset()))
          .containsExactly("DISCARDED by operator");
    }
  }

  @Test
  void sendsALetterBackToBeHandledOnce() throws Exception {
    String label = "letters";
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 1);
      platform.awaitState(sweep, "COMPLETED");
      StageReport report =
          StageReport.newBuilder()
              .setEventId(UUID.randomUUID().toString())
              .setOccurredAt(Timestamp.newBuilder().setSeconds(1))
              .setStageId(LabelledPlanning.stageId(label, StageKind.STAGE_KIND_SEARCH, "all"))
              .setWorkerId(worker.workerId())
              .setLeaseId(UUID.randomUUID().toString())
              .setGeneration(1)
              .setStageStarted(StageStarted.newBuilder().setDevice("simulated").setHost("host"))
              .build();
      park(report);
      DeadLetter letter =
          office.open().stream()
              .filter(open -> report.getStageId().equals(open.key()))
              .findFirst()
              .orElseThrow();
      assertThat(
              office
                  .show(letter.topic(), letter.partition(), letter.offset())
                  .orElseThrow()
                  .content())
          .contains(report.getEventId(), "stage_started");

      for (int time = 0; time < 2; time++) {
        office
            .settle(
                letter.topic(), letter.partition(), letter.offset(), Action.REPLAYED, "operator")
            .orElseThrow();
      }

      Eventually.within(
          SOON,
          () ->
              assertThat(
                      platform.column(
                          "select stage_id from stale_report where report_event_id = ?",
                          report.getEventId()))
                  .containsExactly(report.getStageId()));
      assertThat(
              platform.count(
                  "select count(*) from event where type = 'stale_report_rejected'"
                      + " and stream = ?",
                  "stage-" + report.getStageId()))
          .isEqualTo(1);
      assertThat(office.open()).noneMatch(open -> report.getStageId().equals(open.key()));
    }
  }

  @Test
  void findsNothingWhereNothingLies() throws Exception {
    assertThat(office.show(Topics.WORKER_EVENTS, 0, 999_999)).isEmpty();
    assertThat(office.show(Topics.WORKER_EVENTS, 999, 0)).isEmpty();
    assertThat(office.settle(Topics.WORKER_EVENTS, 0, 999_999, Action.REPLAYED, "operator"))
        .isEmpty();
  }

  private void park(StageReport report) throws Exception {
    try (var producer =
        new KafkaProducer<>(
            platform.kafka().with(Map.of("acks", "all")),
            new StringSerializer(),
            new ByteArraySerializer())) {
      var record =
          new ProducerRecord<>(
              Topics.deadLetters(Topics.STAGE_REPORTS), report.getStageId(), report.toByteArray());
      Map.of("event-type", "stage_started", "dlq-reason", "failed", "dlq-consumer", "progress")
          .forEach(
              (name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
      producer.send(record).get();
    }
  }
}
