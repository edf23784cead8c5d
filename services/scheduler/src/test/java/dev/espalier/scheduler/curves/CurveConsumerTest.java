package dev.espalier.scheduler.curves;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.MetricPoint;
import dev.espalier.schemas.stage.v1.StageMetrics;
import dev.espalier.testkit.Postgres;
import java.sql.ResultSet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class CurveConsumerTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static DataSource dataSource;
  private static CurveConsumer consumer;

  @BeforeAll
  static void open() {
    dataSource = Postgres.shared().newDatabase().dataSource();
    Flyway.configure().dataSource(dataSource).load().migrate();
    consumer = new CurveConsumer(new Transactions(dataSource));
  }

  @Test
  void keepsThePointOfTheLaterGenerationWhicheverComesLast() throws Exception {
    String stage = "1".repeat(64);
    consumer.handle(List.of(record(stage, 2, point("train_loss", 10, 0.5))));
    consumer.handle(
        List.of(
            record(stage, 1, point("train_loss", 10, 0.9)),
            record(stage, 1, point("train_loss", 11, 0.8))));

    assertThat(points(stage)).containsExactly("train_loss 10 2 0.5", "train_loss 11 1 0.8");
  }

  @Test
  void aBatchMayNameAPointTwice() throws Exception {
    String stage = "2".repeat(64);
    consumer.handle(
        List.of(
            record(stage, 3, point("loss", 1, 0.3)),
            record(stage, 1, point("loss", 1, 0.1)),
            record(stage, 3, point("loss", 1, 0.4))));
    consumer.handle(List.of(record(stage, 3, point("loss", 1, 0.4))));

    assertThat(points(stage)).containsExactly("loss 1 3 0.4");
  }

  @Test
  void leavesOutWhatNoTableCanHold() throws Exception {
    String stage = "3".repeat(64);
    consumer.handle(
        List.of(
            record(
                stage,
                1,
                point("", 1, 1),
                point("x".repeat(5000), 1, 1),
                point("nul\0", 1, 1),
                point("loss", 1, Double.NaN))));

    assertThat(points(stage)).containsExactly("loss 1 1 NaN");
  }

  private static MetricPoint point(String name, long step, double value) {
    return MetricPoint.newBuilder().setName(name).setStep(step).setValue(value).build();
  }

  private static ConsumedRecord<StageMetrics> record(
      String stage, long generation, MetricPoint... points) {
    StageMetrics metrics =
        StageMetrics.newBuilder()
            .setEventId(UUID.randomUUID().toString())
            .setOccurredAt(Timestamp.newBuilder().setSeconds(1_800_000_000))
            .setStageId(stage)
            .setSweepId("sweep\0")
            .setGeneration(generation)
            .addAllPoints(List.of(points))
            .build();
    return new ConsumedRecord<>(
        Topics.STAGE_METRICS,
        0,
        0,
        Instant.now(),
        stage,
        metrics.getEventId(),
        "stage_metrics",
        metrics,
        metrics.toByteArray(),
        TraceContext.start(),
        null);
  }

  private static List<String> points(String stage) throws Exception {
    try (var connection = dataSource.getConnection();
        var statement =
            connection.prepareStatement(
                "select name, step, generation, value from metric_point where stage_id = ?"
                    + " order by name, step")) {
      statement.setString(1, stage);
      List<String> points = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          points.add(
              "%s %d %d %s"
                  .formatted(
                      rows.getString(1), rows.getLong(2), rows.getLong(3), rows.getDouble(4)));
        }
      }
      return points;
    }
  }
}
