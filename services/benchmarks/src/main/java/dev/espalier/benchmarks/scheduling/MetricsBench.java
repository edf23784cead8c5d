package dev.espalier.benchmarks.scheduling;

import com.google.protobuf.Timestamp;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.RecordLoop;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.scheduler.curves.CurveConsumer;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.MetricPoint;
import dev.espalier.schemas.stage.v1.StageMetrics;
import dev.espalier.testkit.Sha256;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Training curves as workers send them, messages at a given rate: how many points a second land in
 * PostgreSQL, and how long after it was sent a point shows in the boards' views while they do.
 */
final class MetricsBench {

  private static final int POINTS_OF_A_MESSAGE = 50;
  private static final List<String> NAMES =
      List.of("train_loss", "learning_rate", "gradient_norm", "images_per_second", "step_seconds");
  private static final int STEPS_OF_A_CELL = 100;
  private static final int PROBE_MS = 100;
  private static final String MEASURED = "measured";
  private static final Duration LIMIT = Duration.ofMinutes(30);

  private MetricsBench() {}

  static Map<String, Object> run(ScalePlatform platform, ScaleOptions options)
      throws SQLException, InterruptedException {
    platform.startBroker();
    CurveConsumer consumer = new CurveConsumer(new Transactions(platform.dataSource()));
    long points = (long) options.cells() * STEPS_OF_A_CELL * NAMES.size();
    try (RecordLoop<StageMetrics> loop =
            RecordLoop.over(TopicContract.STAGE_METRICS, CurveConsumer.NAME)
                .kafka(platform.kafka())
                .group("scheduler-curves")
                .polls(consumer::handle)
                .metrics(new SimpleMeterRegistry())
                .build();
        var producer =
            new KafkaProducer<>(
                platform.kafka().with(Map.of("acks", "all", "linger.ms", "5")),
                new StringSerializer(),
                new ByteArraySerializer())) {
      loop.start();
      send(producer, "warm-up", "warm-up", 0);
      platform.await("select count(*) from metric_point", POINTS_OF_A_MESSAGE, LIMIT);

      plan(platform, options.cells());
      Probe probe = new Probe(platform, producer);
      Thread watching = new Thread(probe, "probe");
      long began = System.nanoTime();
      watching.start();
      long sent = 0;
      for (int cell = 0; cell < options.cells(); cell++) {
        for (int from = 0; from < STEPS_OF_A_CELL * NAMES.size(); from += POINTS_OF_A_MESSAGE) {
          send(producer, MEASURED, "cell " + cell, from);
          long due = began + ++sent * 1_000_000_000L / options.rate();
          ScalePlatform.sleep(Math.max(0, (due - System.nanoTime()) / 1_000_000));
        }
      }
      platform.await(
          "select count(*) from metric_point where sweep_id = '" + MEASURED + "'", points, LIMIT);
      double seconds = (System.nanoTime() - began) / 1e9;
      probe.stop();
      watching.join();

      Map<String, Object> figures = new LinkedHashMap<>();
      figures.put("benchmark", "metrics");
      figures.put("cells", options.cells());
      figures.put("points", points);
      figures.put("offered_per_s", options.rate() * POINTS_OF_A_MESSAGE);
      figures.put("points_per_s", Math.round(points / seconds));
      figures.put("visible_p50_ms", Tail.percentile(probe.delays, 0.5));
      figures.put("visible_p99_ms", Tail.percentile(probe.delays, 0.99));
      return figures;
    }
  }

  /** Ids of stages are digests, and the consumer parks what has others. */
  private static String id(String stage) {
    return Sha256.hex(stage.getBytes(StandardCharsets.UTF_8));
  }

  private static void send(
      KafkaProducer<String, byte[]> producer, String sweep, String stage, int from) {
    Instant now = Instant.now();
    Timestamp at =
        Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()).build();
    StageMetrics.Builder message =
        StageMetrics.newBuilder()
            .setEventId(UUID.randomUUID().toString())
            .setOccurredAt(at)
            .setStageId(id(stage))
            .setSweepId(sweep)
            .setTrialId("trial")
            .setGeneration(1);
    for (int i = from; i < from + POINTS_OF_A_MESSAGE; i++) {
      message.addPoints(
          MetricPoint.newBuilder()
              .setName(NAMES.get(i % NAMES.size()))
              .setStep(i / NAMES.size())
              .setValue(i)
              .setMeasuredAt(at));
    }
    producer.send(
        new ProducerRecord<>(Topics.STAGE_METRICS, id(stage), message.build().toByteArray()));
  }

  /**
   * A recovery of each cell, so that its curve is one that the boards show, and one for the probe.
   */
  private static void plan(ScalePlatform platform, int cells) throws SQLException {
    platform.run(
        """
        create temp table made as
        select name, encode(sha256(convert_to(name, 'UTF8')), 'hex') as stage_id
        from (select 'cell ' || generate_series(0, :cells - 1) union all select 'probe') n(name);
        insert into trial (trial_id, sweep_id, cell_id, method, redistribution, target_kind,
          keep_ratio, seed, priority, state, planned_at)
        select name, 'measured', name, 'nvit', 'none', 'macs', 0.5, 1, 0, 'RUNNING', now() from made;
        insert into stage (stage_id, kind, algorithm, algorithm_version, device_kind, seed, team,
          spec, state, sweep_id, requested_at)
        select stage_id, 'FINETUNE', 'finetune', 1, 'cpu', 1, 'lab', '', 'RUNNING', 'measured', now()
        from made;
        insert into trial_stage select name, 0, stage_id, now() from made;
        """
            .replace(":cells", Integer.toString(cells)));
  }

  /**
   * Sends a message now and then, and waits until the boards' reader sees its last step in the
   * curve that a panel draws.
   */
  private static final class Probe implements Runnable {

    private static final String NAME = "probe";
    private static final String LAST_STEP =
        "select coalesce(max(step), -1) from dash.curve_points('probe', 'train_loss', 300)";

    private final ScalePlatform platform;
    private final KafkaProducer<String, byte[]> producer;
    private final List<Double> delays = new ArrayList<>();
    private volatile boolean stopping;

    Probe(ScalePlatform platform, KafkaProducer<String, byte[]> producer) {
      this.platform = platform;
      this.producer = producer;
    }

    void stop() {
      stopping = true;
    }

    @Override
    public void run() {
      try (Connection connection = platform.dataSource().getConnection();
          Statement reader = connection.createStatement()) {
        reader.execute("set role espalier_dash");
        for (int from = 0; !stopping; from += POINTS_OF_A_MESSAGE) {
          long last = (from + POINTS_OF_A_MESSAGE - 1) / NAMES.size();
          long sent = System.nanoTime();
          send(producer, NAME, NAME, from);
          while (lastStep(reader) < last) {
            ScalePlatform.sleep(10);
          }
          delays.add((System.nanoTime() - sent) / 1e6);
          ScalePlatform.sleep(PROBE_MS);
        }
        reader.execute("reset role");
      } catch (SQLException e) {
        throw new IllegalStateException("the probe cannot read", e);
      }
    }

    private static long lastStep(Statement reader) throws SQLException {
      try (ResultSet rows = reader.executeQuery(LAST_STEP)) {
        rows.next();
        return rows.getLong(1);
      }
    }
  }
}
