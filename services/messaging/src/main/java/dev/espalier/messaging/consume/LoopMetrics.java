package dev.espalier.messaging.consume;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** The meters of one {@link RecordLoop}: label {@code pool} is the loop, of a fixed few. */
final class LoopMetrics {

  /** Bounds between which an age tells something: a hop of Kafka, a slow handler, an outage. */
  private static final Duration[] AGES = {
    Duration.ofMillis(10),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(2),
    Duration.ofSeconds(5),
    Duration.ofSeconds(15),
    Duration.ofMinutes(1),
    Duration.ofMinutes(5)
  };

  private final MeterRegistry metrics;
  private final Tags tags;
  private final Timer age;
  private final Counter consumed;

  LoopMetrics(String topic, String name, MeterRegistry metrics) {
    this.metrics = metrics;
    tags = Tags.of("topic", topic, "pool", name);
    age =
        Timer.builder("espalier.record.age")
            .tags(tags)
            .serviceLevelObjectives(AGES)
            .register(metrics);
    consumed = metrics.counter("espalier.records.consumed", "topic", topic, "result", "handled");
  }

  /** Lag in records, -1 while unknown, and whether the broker answers. */
  void watch(RecordLoop<?> loop) {
    Gauge.builder("espalier.consumer.lag.records", loop, watched -> watched.health().lag())
        .tags(tags)
        .register(metrics);
    Gauge.builder(
            "espalier.consumer.connected", loop, watched -> watched.health().connected() ? 1 : 0)
        .tags(tags)
        .register(metrics);
  }

  /** The age of a record once it is handled, since its writer sent it. */
  void handled(List<? extends ConsumedRecord<?>> records) {
    consumed.increment(records.size());
    Instant now = Instant.now();
    for (ConsumedRecord<?> record : records) {
      Duration since = Duration.between(record.timestamp(), now);
      age.record(since.isNegative() ? Duration.ZERO : since);
    }
  }
}
