package dev.espalier.scheduler.intake;

import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.consume.RecordLoop;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.scheduler.curves.CurveConsumer;
import dev.espalier.scheduler.security.Access;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.wiring.SchedulerPart;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;

/** The loops at the scheduler's edge: requests in, training curves into their table. */
public final class EdgeLoops implements SchedulerPart {

  private final List<RecordLoop<?>> loops;

  public EdgeLoops(
      KafkaSettings kafka,
      Transactions transactions,
      Inbox inbox,
      SweepIntake intake,
      Steering steering,
      SweepStreams sweeps,
      Access access,
      MeterRegistry metrics) {
    SweepCommandConsumer commands =
        new SweepCommandConsumer(transactions, inbox, intake, steering, sweeps, access);
    CurveConsumer curves = new CurveConsumer(transactions);
    this.loops =
        List.of(
            RecordLoop.over(TopicContract.SWEEP_COMMANDS, SweepCommandConsumer.NAME)
                .kafka(kafka)
                .group("scheduler-" + SweepCommandConsumer.NAME)
                .each(commands::handle)
                .metrics(metrics)
                .build(),
            RecordLoop.over(TopicContract.STAGE_METRICS, CurveConsumer.NAME)
                .kafka(kafka)
                .group("scheduler-" + CurveConsumer.NAME)
                .polls(curves::handle)
                .metrics(metrics)
                .build());
  }

  @Override
  public void start() {
    loops.forEach(RecordLoop::start);
  }

  @Override
  public List<String> troubles() {
    return loops.stream()
        .map(RecordLoop::health)
        .filter(health -> !health.alive())
        .map(health -> "loop " + health.name() + " has ended")
        .toList();
  }

  @Override
  public void close() {
    loops.forEach(RecordLoop::close);
  }
}
