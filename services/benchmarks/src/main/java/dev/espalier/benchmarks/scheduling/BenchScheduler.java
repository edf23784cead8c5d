package dev.espalier.benchmarks.scheduling;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.scheduler.assignment.LeaseSettings;
import dev.espalier.scheduler.process.SweepPlanning;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.scheduler.wiring.SchedulerSettings;
import dev.espalier.sweep.assignment.AssignmentPolicy;
import dev.espalier.sweep.assignment.PreemptionPolicy;
import dev.espalier.sweep.lifecycle.RetryPolicy;
import dev.espalier.sweep.planning.Engine;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;

/** The scheduler as it runs in the service, without the HTTP server; ends with its parent. */
public final class BenchScheduler {

  private BenchScheduler() {}

  /** Arguments: the broker and the JDBC URL. */
  public static void main(String[] arguments) throws SQLException, IOException {
    ScaleBench.quiet();
    try (SchedulerRuntime scheduler =
        new SchedulerRuntime(
            ScalePlatform.pool(arguments[1], 20),
            KafkaSettings.of(arguments[0]),
            new SchedulerSettings(
                new LeaseSettings(
                    Duration.ofSeconds(12), Duration.ofMinutes(5), Duration.ofSeconds(10)),
                RetryPolicy.DEFAULT,
                AssignmentPolicy.DEFAULT,
                new PreemptionPolicy(Duration.ofMinutes(1), Map.of()),
                Duration.ofHours(1)),
            new SweepPlanning(Engine.CPU),
            new SimpleMeterRegistry())) {
      scheduler.start();
      System.out.println("ready");
      while (System.in.read() >= 0) {
        // Its parent has nothing to say, and is gone when this ends.
      }
    }
  }
}
