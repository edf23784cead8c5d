package dev.espalier.messaging.worker;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.messaging.consume.RecordLoop;
import dev.espalier.messaging.publish.EventPublisher;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.messaging.trace.LogContext;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.schemas.stage.v1.AssignStage;
import dev.espalier.schemas.stage.v1.AttemptFailed;
import dev.espalier.schemas.stage.v1.RevokeStage;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.stage.v1.StageStarted;
import dev.espalier.schemas.worker.v1.WorkerDraining;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import dev.espalier.schemas.worker.v1.WorkerHeartbeat;
import dev.espalier.schemas.worker.v1.WorkerLeft;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The worker's side of the protocol: announces itself, takes commands, keeps leases alive, reports.
 *
 * <p><b>Order</b>: one stage's reports go out in the order in which they were made. Commands come
 * on the partition that the worker's id hashes to; its end is known before the worker announces
 * itself, so that no command for it can lie before. <b>Delivery</b>: a repeated assignment is
 * dropped by its lease id; a report is sent until the broker acknowledges it, and its stage stays
 * in the heartbeats until then. <b>Failure</b>: when the broker is away, work goes on, and reports
 * and one heartbeat wait; only {@code RevokeStage} and {@link #close} stop a stage.
 *
 * <p>An assignment beyond the slots waits for one: its predecessor's report may have been accepted
 * before its thread was free.
 */
public final class WorkerRuntime implements AutoCloseable {

  private static final Duration BROKER_LIMIT = Duration.ofMinutes(10);

  /** After so long without an acknowledged heartbeat the worker says again who it is. */
  private static final Duration INTRODUCE_AGAIN = Duration.ofSeconds(30);

  /** What is left for the last reports when the drain limit is over. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(3);

  /** Heartbeats that a thread has to end in once it was interrupted. */
  private static final int GRACE_HEARTBEATS = 4;

  private static final Duration SHORTEST_GOODBYE = Duration.ofSeconds(1);

  /** Leases whose repeated assignment is recognised. */
  private static final int REMEMBERED_LEASES = 10_000;

  /** Within a second is the objective. */
  private static final Duration[] DELIVERIES = {
    Duration.ofMillis(10),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5),
    Duration.ofSeconds(30)
  };

  private static final Logger LOG = LoggerFactory.getLogger(WorkerRuntime.class);

  private final WorkerSettings settings;
  private final KafkaSettings kafka;
  private final StageExecutor executor;
  private final MeterRegistry metrics;
  private final String workerId;
  private final EventPublisher publisher;
  private final ScheduledExecutorService clock;
  private final ExecutorService slots;
  private final RecordLoop<StageCommand> commands;

  /** Attempts that run, wait for a slot, or have a report on its way; by lease id. */
  private final Map<String, Attempt> attempts = new ConcurrentHashMap<>();

  private final Set<String> knownLeases =
      Collections.newSetFromMap(
          new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
              return size() > REMEMBERED_LEASES;
            }
          });

  /** From the lease's commit to the worker, by both machines' clocks. */
  private final Timer delivery;

  private final AtomicInteger running = new AtomicInteger();
  private final AtomicBoolean heartbeatOnItsWay = new AtomicBoolean();
  private final AtomicBoolean closing = new AtomicBoolean();
  private final AtomicBoolean stuck = new AtomicBoolean();
  private final HangWatch hangs;
  private volatile Runnable whenStuck = () -> {};
  private volatile boolean joined;
  private volatile boolean draining;
  private volatile long acknowledgedNanos = System.nanoTime();

  public WorkerRuntime(
      WorkerSettings settings, KafkaSettings kafka, StageExecutor executor, MeterRegistry metrics) {
    this.settings = settings;
    this.kafka = kafka;
    this.executor = executor;
    this.metrics = metrics;
    workerId = settings.service() + "-" + UUID.randomUUID();
    publisher = new EventPublisher(kafka, settings.service(), metrics);
    clock = Executors.newSingleThreadScheduledExecutor(task -> daemon(task, "heartbeat"));
    slots = Executors.newFixedThreadPool(settings.slots(), task -> daemon(task, "stage"));
    commands =
        RecordLoop.over(TopicContract.STAGE_COMMANDS, settings.service() + "-commands")
            .kafka(kafka)
            .partitionFromEnd(WorkerPartition.of(workerId))
            .each(this::obey)
            .metrics(metrics)
            .build();
    hangs = new HangWatch(settings.heartbeatInterval().multipliedBy(GRACE_HEARTBEATS));
    delivery =
        Timer.builder("espalier.assignment.delivery")
            .serviceLevelObjectives(DELIVERIES)
            .register(metrics);
    metrics.gauge("espalier.worker.stages.running", running);
    metrics.gauge("espalier.worker.slots", settings.slots());
  }

  /** {@code <service>-<uuid>}, new for every instance. */
  public String workerId() {
    return workerId;
  }

  /**
   * @param action what ends the process: a thread that hangs can be stopped by nothing else
   */
  public WorkerRuntime whenStuck(Runnable action) {
    whenStuck = action;
    return this;
  }

  /** Waits for the broker, takes its place on the command topic and announces the worker. */
  public void start() {
    TopicAdmin.createAll(kafka, BROKER_LIMIT);
    commands.start();
    if (closing.get()) {
      return;
    }
    publish(event().setWorkerJoined(WorkerMessages.introduction(settings)));
    acknowledgedNanos = System.nanoTime();
    joined = true;
    long intervalMs = settings.heartbeatInterval().toMillis();
    clock.scheduleAtFixedRate(this::beat, 0, intervalMs, TimeUnit.MILLISECONDS);
    LOG.info(
        "{} joined with {} slots, commands on partition {}",
        workerId,
        settings.slots(),
        WorkerPartition.of(workerId));
  }

  public WorkerHealth health() {
    return new WorkerHealth(
        commands.health().alive() && !clock.isShutdown(),
        joined,
        draining,
        (int) attempts.values().stream().filter(attempt -> !attempt.ended()).count(),
        Duration.ofNanos(System.nanoTime() - acknowledgedNanos));
  }

  /**
   * Drains: takes nothing new, has what runs checkpointed and given back, leaves. Takes no longer
   * than the drain limit; what has not stopped by then is given back without its last checkpoint.
   */
  @Override
  public void close() {
    if (!closing.compareAndSet(false, true)) {
      return;
    }
    draining = true;
    long deadline = System.nanoTime() + settings.drainLimit().toNanos();
    if (joined) {
      publish(event().setWorkerDraining(WorkerDraining.getDefaultInstance()));
    }
    attempts.values().forEach(attempt -> attempt.stop("the worker drains", true));
    slots.shutdown();
    awaitStages(deadline - LAST_WORDS.toNanos());
    for (Attempt attempt : attempts.values()) {
      if (attempt.end()) {
        LOG.warn("stage {} did not stop in time and is given back as it is", attempt.stageId());
        report(attempt, WorkerMessages.interrupted("the worker had to leave", attempt.lastStep()));
      }
    }
    slots.shutdownNow();
    clock.shutdownNow();
    // Last reports first: who reads of the leaving should know what was given back.
    publisher.flush(left(deadline));
    if (joined) {
      publish(event().setWorkerLeft(WorkerLeft.newBuilder().setReason("drained")));
    }
    commands.close();
    publisher.close(left(deadline));
    LOG.info("{} left", workerId);
  }

  private static Duration left(long deadline) {
    Duration left = Duration.ofNanos(deadline - System.nanoTime());
    return left.compareTo(SHORTEST_GOODBYE) < 0 ? SHORTEST_GOODBYE : left;
  }

  private void awaitStages(long deadline) {
    try {
      slots.awaitTermination(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void obey(ConsumedRecord<StageCommand> record) {
    StageCommand command = record.message();
    if (!command.getWorkerId().equals(workerId)) {
      return;
    }
    switch (command.getCommandCase()) {
      case ASSIGN_STAGE -> assign(command, command.getAssignStage(), record.trace());
      case REVOKE_STAGE -> revoke(command.getRevokeStage());
      case COMMAND_NOT_SET -> throw new IllegalStateException("a command without a case");
    }
  }

  private void assign(StageCommand command, AssignStage assignment, TraceContext trace) {
    if (!knownLeases.add(assignment.getLeaseId())) {
      LOG.info("lease {} was assigned before", assignment.getLeaseId());
      return;
    }
    Instant committed =
        Instant.ofEpochSecond(
            command.getOccurredAt().getSeconds(), command.getOccurredAt().getNanos());
    Duration onItsWay = Duration.between(committed, Instant.now());
    delivery.record(onItsWay.isNegative() ? Duration.ZERO : onItsWay);
    // The scheduler gave this stage out again, so it has given up on the older attempt.
    attempts.values().stream()
        .filter(older -> older.stageId().equals(command.getStageId()))
        .filter(older -> older.generation() < assignment.getGeneration())
        .forEach(older -> older.stop("a newer attempt took its place", false));
    var attempt = new Attempt(command, assignment, trace, publisher, workerId);
    attempts.put(assignment.getLeaseId(), attempt);
    try {
      if (draining) {
        throw new RejectedExecutionException("draining");
      }
      slots.execute(() -> run(attempt));
    } catch (RejectedExecutionException e) {
      attempt.end();
      report(attempt, WorkerMessages.interrupted("the worker drains", 0));
    }
  }

  private void revoke(RevokeStage revocation) {
    Attempt attempt = attempts.get(revocation.getLeaseId());
    if (attempt != null) {
      attempt.stop(revocation.getReason(), revocation.getCheckpointFirst());
    }
  }

  private void run(Attempt attempt) {
    long began = System.nanoTime();
    running.incrementAndGet();
    StageReport.Builder last;
    try (var log =
        LogContext.open()
            .sweep(attempt.sweepId())
            .trial(attempt.trialId())
            .stage(attempt.stageId(), attempt.generation())
            .trace(attempt.trace())) {
      attempt.begin();
      last = outcome(attempt);
    } finally {
      running.decrementAndGet();
      attempt.leaveThread();
    }
    double seconds = (System.nanoTime() - began) / 1e9;
    if (last.hasStageSucceeded()) {
      last.getStageSucceededBuilder().setWallSeconds(seconds);
    }
    measure(attempt, last, seconds);
    attempt.sendMetrics();
    // After a close that did not wait, the stage is given back already.
    if (attempt.end()) {
      report(attempt, last);
    }
  }

  /** Runs the executor and puts whatever comes of it into the attempt's last report. */
  private StageReport.Builder outcome(Attempt attempt) {
    try {
      attempt.stopIfAsked();
      LOG.info(
          "runs {} {} of {}",
          attempt.spec().getKind(),
          attempt.spec().getAlgorithm(),
          attempt.stageId());
      attempt.publish(
          attempt
              .newReport()
              .setStageStarted(
                  StageStarted.newBuilder()
                      .setDevice(settings.device())
                      .setHost(settings.host())
                      .setResumedFromStep(
                          attempt.checkpoint().map(StageContext.Checkpoint::step).orElse(0L))));
      StageResult result = executor.execute(attempt);
      return attempt.newReport().setStageSucceeded(Attempt.succeeded(result));
    } catch (StageStopped e) {
      LOG.info("stopped at step {}: {}", e.step(), e.getMessage());
      return WorkerMessages.interrupted(e.getMessage(), e.step());
    } catch (Throwable e) {
      if (attempt.shouldStop() && causedByInterrupt(e)) {
        return WorkerMessages.interrupted(attempt.stopped(0).getMessage(), attempt.lastStep());
      }
      StageFailure failure = FailureCauses.of(e, attempt.stageId());
      LOG.warn(
          "failed with {} {}: {}", failure.category(), failure.code(), failure.getMessage(), e);
      return attempt
          .newReport()
          .setAttemptFailed(AttemptFailed.newBuilder().setCause(failure.toCause()));
    }
  }

  private static boolean causedByInterrupt(Throwable error) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof InterruptedException
          || cause instanceof java.nio.channels.ClosedByInterruptException) {
        return true;
      }
    }
    return false;
  }

  /** Sends the last report; the lease stays in the heartbeats until the broker has it. */
  private void report(Attempt attempt, StageReport.Builder last) {
    StageReport.Builder report = attempt.newReport();
    switch (last.getReportCase()) {
      case STAGE_SUCCEEDED -> report.setStageSucceeded(last.getStageSucceeded());
      case ATTEMPT_FAILED -> report.setAttemptFailed(last.getAttemptFailed());
      case STAGE_INTERRUPTED -> report.setStageInterrupted(last.getStageInterrupted());
      default -> throw new IllegalArgumentException("no last report: " + last.getReportCase());
    }
    CompletableFuture<Void> sent;
    try {
      sent = attempt.publish(report);
    } catch (IllegalArgumentException e) {
      // What the executor returned is no valid report: its defect, but the lease must not hang on.
      StageFailure failure = FailureCauses.of(e, attempt.stageId());
      sent =
          attempt.publish(
              attempt
                  .newReport()
                  .setAttemptFailed(AttemptFailed.newBuilder().setCause(failure.toCause())));
    }
    sent.whenComplete(
        (done, error) -> {
          if (error != null) {
            LOG.error("the last report of {} was refused", attempt.stageId(), error);
          }
          attempts.remove(attempt.leaseId());
        });
  }

  private void measure(Attempt attempt, StageReport.Builder last, double seconds) {
    String outcome =
        switch (last.getReportCase()) {
          case STAGE_SUCCEEDED -> "succeeded";
          case ATTEMPT_FAILED -> "failed";
          default -> "interrupted";
        };
    Timer.builder("espalier.stage.attempt.duration")
        .tag("stage", kind(attempt))
        .tag("method", attempt.spec().getAlgorithm())
        .tag("outcome", outcome)
        .register(metrics)
        .record(Duration.ofNanos((long) (seconds * 1e9)));
  }

  private static String kind(Attempt attempt) {
    return attempt.spec().getKind().name().replace("STAGE_KIND_", "").toLowerCase(Locale.ROOT);
  }

  /** A worker whose thread is lost leaves, so that nothing waits for it. */
  private void giveUpWhatHangs() {
    hangs.endHanging(attempts.values()).forEach(attempt -> report(attempt, attempt.stalled()));
    if (hangs.stuck() && stuck.compareAndSet(false, true)) {
      LOG.error("{} leaves: a stage's thread cannot be stopped", workerId);
      daemon(
              () -> {
                close();
                whenStuck.run();
              },
              "leave")
          .start();
    }
  }

  private void beat() {
    try {
      giveUpWhatHangs();
      attempts.values().forEach(Attempt::sendMetrics);
      // One that waits out an outage says enough; more would only be old news afterwards.
      if (!heartbeatOnItsWay.compareAndSet(false, true)) {
        return;
      }
      if (System.nanoTime() - acknowledgedNanos > INTRODUCE_AGAIN.toNanos()) {
        publish(event().setWorkerJoined(WorkerMessages.introduction(settings)));
        if (draining) {
          publish(event().setWorkerDraining(WorkerDraining.getDefaultInstance()));
        }
      }
      WorkerHeartbeat heartbeat = WorkerMessages.heartbeat(attempts.values());
      publisher
          .publish(
              TopicContract.WORKER_EVENTS,
              event().setWorkerHeartbeat(heartbeat).build(),
              TraceContext.start())
          .whenComplete(
              (done, error) -> {
                acknowledgedNanos = System.nanoTime();
                heartbeatOnItsWay.set(false);
              });
    } catch (RuntimeException e) {
      // An exception would end all later heartbeats.
      heartbeatOnItsWay.set(false);
      LOG.error("{} could not send a heartbeat", workerId, e);
    }
  }

  private void publish(WorkerEvent.Builder event) {
    publisher.publish(TopicContract.WORKER_EVENTS, event.build(), TraceContext.start());
  }

  private WorkerEvent.Builder event() {
    return WorkerEvent.newBuilder()
        .setEventId(UUID.randomUUID().toString())
        .setOccurredAt(WorkerMessages.now())
        .setWorkerId(workerId);
  }

  private Thread daemon(Runnable task, String role) {
    var thread = new Thread(task, settings.service() + "-" + role);
    thread.setDaemon(true);
    return thread;
  }
}
