package dev.espalier.scheduler.retention;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Transactions;
import dev.espalier.scheduler.wiring.SchedulerConfig;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Duration;

/** Builds the job from its settings. */
final class RetentionBeans {

  @Produces
  @Singleton
  Retention retention(SchedulerConfig config, Transactions transactions, EventStore events) {
    return new Retention(
        transactions,
        events,
        Duration.ofDays(config.retention().metricsDays()),
        Duration.ofDays(config.retention().deletedDays()));
  }
}
