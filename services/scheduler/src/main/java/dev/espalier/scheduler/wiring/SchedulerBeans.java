package dev.espalier.scheduler.wiring;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.scheduler.assignment.LeaseSettings;
import dev.espalier.scheduler.process.SweepPlanning;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.stream.TrialStreams;
import dev.espalier.sweep.assignment.AssignmentPolicy;
import dev.espalier.sweep.assignment.PreemptionPolicy;
import dev.espalier.sweep.assignment.TeamShare;
import dev.espalier.sweep.lifecycle.RetryPolicy;
import dev.espalier.sweep.planning.Engine;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.Map;
import javax.sql.DataSource;
import org.eclipse.microprofile.config.Config;

/** Builds the scheduler's objects once; nothing else here knows of Quarkus. */
final class SchedulerBeans {

  /** All settings under {@code kafka.} reach the clients, for instance SASL and TLS. */
  @Produces
  @Singleton
  KafkaSettings kafka(Config config) {
    return KafkaSettings.read(
        config.getPropertyNames(), name -> config.getOptionalValue(name, String.class));
  }

  @Produces
  @Singleton
  Transactions transactions(DataSource dataSource) {
    return new Transactions(dataSource);
  }

  @Produces
  @Singleton
  EventStore events() {
    return new EventStore();
  }

  @Produces
  @Singleton
  Inbox inbox() {
    return new Inbox();
  }

  @Produces
  @Singleton
  SchedulerSettings settings(SchedulerConfig config) {
    Map<String, TeamShare> teams = TeamSettings.shares(config.teams());
    return new SchedulerSettings(
        new LeaseSettings(
            config.lease().duration(), config.stallTimeout(), config.checkpoint().interval()),
        new RetryPolicy(
            config.retry().attempts(),
            config.retry().workerLosses(),
            config.retry().firstBackOff(),
            config.retry().longestBackOff()),
        new AssignmentPolicy(config.assignment().aloneWait(), config.assignment().ageing(), teams),
        new PreemptionPolicy(config.assignment().preemptAfter(), teams),
        config.assignment().useHalfLife());
  }

  @Produces
  @Singleton
  SchedulerRuntime runtime(
      DataSource dataSource,
      KafkaSettings kafka,
      SchedulerSettings settings,
      MeterRegistry metrics) {
    return new SchedulerRuntime(
        dataSource, kafka, settings, new SweepPlanning(Engine.CPU), metrics);
  }

  @Produces
  @Singleton
  SweepStreams sweeps(SchedulerRuntime runtime) {
    return runtime.sweeps();
  }

  @Produces
  @Singleton
  TrialStreams trials(SchedulerRuntime runtime) {
    return runtime.trials();
  }
}
