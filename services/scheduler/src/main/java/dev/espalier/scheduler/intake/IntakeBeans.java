package dev.espalier.scheduler.intake;

import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.scheduler.registry.Registry;
import dev.espalier.scheduler.security.Access;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.stream.TrialStreams;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import javax.sql.DataSource;

/** Puts the intake together, once for both doors. */
final class IntakeBeans {

  @Produces
  @Singleton
  SweepIntake intake(DataSource dataSource, SweepStreams sweeps) {
    return new SweepIntake(new Registry(dataSource), sweeps);
  }

  @Produces
  @Singleton
  Steering steering(SweepStreams sweeps, TrialStreams trials) {
    return new Steering(sweeps, trials);
  }

  @Produces
  @Singleton
  EdgeLoops loops(
      KafkaSettings kafka,
      Transactions transactions,
      Inbox inbox,
      SweepIntake intake,
      Steering steering,
      SweepStreams sweeps,
      Access access,
      MeterRegistry metrics) {
    return new EdgeLoops(kafka, transactions, inbox, intake, steering, sweeps, access, metrics);
  }
}
