package dev.espalier.scheduler.chaos;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import java.io.IOException;
import java.time.Duration;

/**
 * A scheduler replica as a program that can be killed: broker, database and lease are its
 * arguments.
 */
public final class ChaosScheduler {

  private ChaosScheduler() {}

  public static void main(String[] arguments) throws IOException {
    try (SchedulerRuntime replica =
        TestPlatform.replica(
            TestPlatform.pool(arguments[1], 20),
            KafkaSettings.of(arguments[0]),
            Duration.parse(arguments[2]))) {
      replica.start();
      System.out.println("ready");
      while (System.in.read() >= 0) {
        // Its parent has nothing to say, and is gone when this ends.
      }
    }
  }
}
