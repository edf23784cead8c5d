package dev.espalier.scheduler.wiring;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.InboxUpkeep;
import dev.espalier.eventstore.Relay;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.consume.LoopHealth;
import dev.espalier.messaging.consume.RecordLoop;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.scheduler.assignment.Assigner;
import dev.espalier.scheduler.assignment.AssignmentLoop;
import dev.espalier.scheduler.assignment.CapWatch;
import dev.espalier.scheduler.assignment.Preemptor;
import dev.espalier.scheduler.process.ProcessManager;
import dev.espalier.scheduler.process.TrialPlanning;
import dev.espalier.scheduler.progress.LeaseWatch;
import dev.espalier.scheduler.progress.StageProgress;
import dev.espalier.scheduler.progress.WorkerPresence;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.stream.TrialStreams;
import dev.espalier.schemas.stage.v1.StageEvent;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.schemas.trial.v1.TrialEvent;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/**
 * One replica of the scheduler: its streams and the loops that drive them. Any number may run; they
 * share topics by consumer groups and the database by locks.
 */
public final class SchedulerRuntime implements AutoCloseable {

  /** Each loop has a group of its own, so that one that comes or goes does not stop the others. */
  private static final String GROUP = "scheduler-";

  private final SweepStreams sweeps;
  private final TrialStreams trials;
  private final Relay relay;
  private final InboxUpkeep upkeep;
  private final AssignmentLoop assignment;
  private final LeaseWatch leaseWatch;
  private final List<RecordLoop<?>> loops;

  public SchedulerRuntime(
      DataSource dataSource,
      KafkaSettings kafka,
      SchedulerSettings settings,
      TrialPlanning planning,
      MeterRegistry metrics) {
    Transactions transactions = new Transactions(dataSource);
    EventStore events = new EventStore();
    Inbox inbox = new Inbox();
    StageStreams stages = new StageStreams(events, settings.retry());
    this.sweeps = new SweepStreams(events, transactions);
    this.trials = new TrialStreams(events);
    this.relay = new Relay(dataSource, kafka, metrics);
    this.upkeep = new InboxUpkeep(transactions, inbox);

    StageProgress progress = new StageProgress(transactions, events, inbox, stages, metrics);
    WorkerPresence presence = new WorkerPresence(transactions, settings.leases());
    ProcessManager process =
        new ProcessManager(transactions, events, inbox, sweeps, trials, stages, planning);

    RecordLoop<StageReport> reports =
        RecordLoop.over(TopicContract.STAGE_REPORTS, "progress")
            .kafka(kafka)
            .group(GROUP + "progress")
            .polls(progress::handle)
            .metrics(metrics)
            .build();
    RecordLoop<WorkerEvent> workers =
        RecordLoop.over(TopicContract.WORKER_EVENTS, "presence")
            .kafka(kafka)
            .group(GROUP + "presence")
            .polls(presence::handle)
            .metrics(metrics)
            .build();
    RecordLoop<SweepEvent> sweepEvents =
        RecordLoop.over(TopicContract.SWEEP_EVENTS, "process-sweep")
            .kafka(kafka)
            .group(GROUP + "process-sweep")
            .batches(process::onSweepEvents)
            .metrics(metrics)
            .build();
    RecordLoop<TrialEvent> trialEvents =
        RecordLoop.over(TopicContract.TRIAL_EVENTS, "process-trial")
            .kafka(kafka)
            .group(GROUP + "process-trial")
            .polls(process::onTrialEvents)
            .metrics(metrics)
            .build();
    RecordLoop<StageEvent> stageEvents =
        RecordLoop.over(TopicContract.STAGE_EVENTS, "process-stage")
            .kafka(kafka)
            .group(GROUP + "process-stage")
            .polls(process::onStageEvents)
            .metrics(metrics)
            .build();
    this.loops = List.of(workers, reports, sweepEvents, trialEvents, stageEvents);
    this.assignment =
        new AssignmentLoop(
            dataSource,
            new Assigner(
                transactions,
                events,
                stages,
                settings.policy(),
                settings.useHalfLife(),
                settings.leases(),
                metrics),
            new CapWatch(transactions, sweeps, settings.policy().teams()),
            new Preemptor(
                transactions,
                stages,
                settings.preemption(),
                settings.useHalfLife(),
                settings.leases()));
    this.leaseWatch =
        new LeaseWatch(
            transactions,
            stages,
            settings.leases(),
            () -> workers.health().partitions(),
            workers::caughtUpFor,
            metrics);
  }

  /** The database must have its tables and the broker its topics. */
  public void start() {
    upkeep.start();
    relay.start();
    loops.forEach(RecordLoop::start);
    assignment.start();
    leaseWatch.start();
  }

  public SweepStreams sweeps() {
    return sweeps;
  }

  public TrialStreams trials() {
    return trials;
  }

  /** What is not as it should be; empty if all is well. */
  public List<String> troubles() {
    List<String> troubles = new ArrayList<>();
    for (RecordLoop<?> loop : loops) {
      LoopHealth health = loop.health();
      if (!health.alive()) {
        troubles.add("loop " + health.name() + " has ended");
      }
    }
    if (!relay.health().alive()) {
      troubles.add("the relay has ended");
    }
    if (!assignment.alive()) {
      troubles.add("the assignment loop has ended");
    }
    if (!leaseWatch.alive()) {
      troubles.add("the lease watch has ended");
    }
    return troubles;
  }

  /** Stops deciding first and publishing last. */
  @Override
  public void close() {
    assignment.close();
    leaseWatch.close();
    // Each waits for its record at hand and for the broker: let them wait together.
    loops.parallelStream().forEach(RecordLoop::close);
    relay.close();
    upkeep.close();
  }
}
