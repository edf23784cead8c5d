package dev.espalier.messaging.worker;

import com.google.protobuf.Timestamp;
import dev.espalier.messaging.publish.EventPublisher;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.AssignStage;
import dev.espalier.schemas.stage.v1.AttemptFailed;
import dev.espalier.schemas.stage.v1.CheckpointSaved;
import dev.espalier.schemas.stage.v1.EpochEvaluated;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.FailureCause;
import dev.espalier.schemas.stage.v1.Measurement;
import dev.espalier.schemas.stage.v1.MetricPoint;
import dev.espalier.schemas.stage.v1.ResolvedInput;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageMetrics;
import dev.espalier.schemas.stage.v1.StageOutput;
import dev.espalier.schemas.stage.v1.StageProgressed;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.stage.v1.StageSucceeded;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/** One attempt at a stage under its lease. */
final class Attempt implements StageContext {

  /** Progress reports are for people; the heartbeat carries what decides about a stall. */
  private static final Duration PROGRESS_INTERVAL = Duration.ofSeconds(1);

  private static final int POINTS_PER_MESSAGE = 1_000;

  private final StageCommand command;
  private final AssignStage assignment;
  private final TraceContext trace;
  private final EventPublisher publisher;
  private final String workerId;
  private final AtomicLong headway = new AtomicLong();

  private final Object pointsLock = new Object();
  private List<MetricPoint> points = new ArrayList<>();

  // Guarded by this.
  private Thread thread;
  private long seenHeadway;
  private long headwayNanos;
  private boolean began;
  private boolean ended;
  private boolean checkpointWanted;

  private volatile String stopReason;
  private volatile long lastStep;
  private volatile long progressNanos;
  private volatile long checkpointNanos = System.nanoTime();

  Attempt(
      StageCommand command,
      AssignStage assignment,
      TraceContext trace,
      EventPublisher publisher,
      String workerId) {
    this.command = command;
    this.assignment = assignment;
    this.trace = trace;
    this.publisher = publisher;
    this.workerId = workerId;
    lastStep = assignment.hasCheckpoint() ? assignment.getCheckpointStep() : 0;
    progressNanos = System.nanoTime() - PROGRESS_INTERVAL.toNanos();
  }

  @Override
  public String stageId() {
    return command.getStageId();
  }

  String leaseId() {
    return assignment.getLeaseId();
  }

  @Override
  public long generation() {
    return assignment.getGeneration();
  }

  @Override
  public String team() {
    return command.getTeam();
  }

  @Override
  public String sweepId() {
    return assignment.getSweepId();
  }

  @Override
  public String trialId() {
    return assignment.getTrialId();
  }

  @Override
  public StageSpec spec() {
    return assignment.getSpec();
  }

  TraceContext trace() {
    return trace;
  }

  @Override
  public Optional<ArtifactRef> findInput(String role) {
    return assignment.getInputsList().stream()
        .filter(input -> input.getRole().equals(role))
        .map(ResolvedInput::getArtifact)
        .findFirst();
  }

  @Override
  public Optional<Checkpoint> checkpoint() {
    return assignment.hasCheckpoint()
        ? Optional.of(new Checkpoint(assignment.getCheckpoint(), assignment.getCheckpointStep()))
        : Optional.empty();
  }

  @Override
  public void progress(long step, long totalSteps, double imagesPerSecond) {
    headway.incrementAndGet();
    lastStep = step;
    long now = System.nanoTime();
    if (now - progressNanos < PROGRESS_INTERVAL.toNanos() && step < totalSteps) {
      return;
    }
    progressNanos = now;
    publish(
        newReport()
            .setStageProgressed(
                StageProgressed.newBuilder()
                    .setStep(step)
                    .setTotalSteps(totalSteps)
                    .setImagesPerSecond(imagesPerSecond)));
  }

  @Override
  public void epochEvaluated(EpochEvaluated epoch) {
    headway.incrementAndGet();
    publish(newReport().setEpochEvaluated(epoch));
  }

  @Override
  public boolean checkpointDue() {
    long intervalMs = assignment.getCheckpointIntervalMs();
    return intervalMs > 0
        && System.nanoTime() - checkpointNanos >= Duration.ofMillis(intervalMs).toNanos();
  }

  @Override
  public void checkpointSaved(ArtifactRef checkpoint, long step) {
    headway.incrementAndGet();
    checkpointNanos = System.nanoTime();
    publish(
        newReport()
            .setCheckpointSaved(
                CheckpointSaved.newBuilder().setCheckpoint(checkpoint).setStep(step)));
  }

  @Override
  public void metric(String name, long step, double value) {
    headway.incrementAndGet();
    boolean full;
    synchronized (pointsLock) {
      points.add(
          MetricPoint.newBuilder()
              .setName(name)
              .setStep(step)
              .setValue(value)
              .setMeasuredAt(WorkerMessages.now())
              .build());
      full = points.size() >= POINTS_PER_MESSAGE;
    }
    if (full) {
      sendMetrics();
    }
  }

  /** Sends the points that have gathered. */
  void sendMetrics() {
    synchronized (pointsLock) {
      if (points.isEmpty()) {
        return;
      }
      StageMetrics message =
          StageMetrics.newBuilder()
              .setEventId(UUID.randomUUID().toString())
              .setOccurredAt(WorkerMessages.now())
              .setStageId(stageId())
              .setSweepId(sweepId())
              .setTrialId(trialId())
              .setTeam(team())
              .setGeneration(generation())
              .addAllPoints(points)
              .build();
      points = new ArrayList<>();
      publisher.publishIfRoom(TopicContract.STAGE_METRICS, message, trace.next());
    }
  }

  @Override
  public boolean shouldStop() {
    return stopReason != null;
  }

  @Override
  public synchronized boolean checkpointWanted() {
    return checkpointWanted;
  }

  @Override
  public StageStopped stopped(long step) {
    return new StageStopped(String.valueOf(stopReason), step);
  }

  /** Asks the executor to stop. The first reason stays; a wish for a checkpoint is taken up. */
  synchronized void stop(String reason, boolean checkpointFirst) {
    if (stopReason == null) {
      stopReason = reason.isEmpty() ? "revoked" : reason;
    }
    checkpointWanted |= checkpointFirst;
  }

  /** Marks the attempt as running on the calling thread, no longer waiting for a slot. */
  synchronized void begin() {
    began = true;
    thread = Thread.currentThread();
    headwayNanos = System.nanoTime();
  }

  /** Its thread is free for the next one. */
  synchronized void leaveThread() {
    thread = null;
    Thread.interrupted(); // A late interrupt is not the next stage's.
  }

  synchronized boolean occupiesThread() {
    return thread != null;
  }

  synchronized void interrupt() {
    if (thread != null) {
      thread.interrupt();
    }
  }

  /** Whether its thread has made no headway for the stall timeout; to be asked now and then. */
  synchronized boolean hangs() {
    if (thread == null || headway.get() != seenHeadway) {
      seenHeadway = headway.get();
      headwayNanos = System.nanoTime();
    }
    long timeoutMs = assignment.getStallTimeoutMs();
    return timeoutMs > 0
        && System.nanoTime() - headwayNanos > Duration.ofMillis(timeoutMs).toNanos();
  }

  /** Marks the attempt as over; true for the one caller that may send its last report. */
  synchronized boolean end() {
    boolean first = !ended;
    ended = true;
    return first;
  }

  synchronized boolean ended() {
    return ended;
  }

  long lastStep() {
    return lastStep;
  }

  /**
   * A number that grows while the stage makes headway. Waiting for a slot or for the broker is no
   * stall either.
   */
  synchronized long headway() {
    return !began || ended ? headway.incrementAndGet() : headway.get();
  }

  /** The last word about an attempt that hangs; the scheduler says the same when it sees it. */
  StageReport.Builder stalled() {
    return newReport()
        .setAttemptFailed(
            AttemptFailed.newBuilder()
                .setCause(
                    FailureCause.newBuilder()
                        .setCategory(FailureCategory.FAILURE_CATEGORY_CAPACITY)
                        .setCode("STALLED")
                        .setMessage(
                            "expected headway within "
                                + Duration.ofMillis(assignment.getStallTimeoutMs()).toSeconds()
                                + " s but the stage's thread made none")));
  }

  StageReport.Builder newReport() {
    Timestamp now = WorkerMessages.now();
    return StageReport.newBuilder()
        .setEventId(UUID.randomUUID().toString())
        .setOccurredAt(now)
        .setStageId(stageId())
        .setWorkerId(workerId)
        .setLeaseId(leaseId())
        .setGeneration(generation())
        .setTeam(team())
        .setCausedBy(command.getEventId());
  }

  CompletableFuture<Void> publish(StageReport.Builder report) {
    return publisher.publish(TopicContract.STAGE_REPORTS, report.build(), trace.next());
  }

  static StageSucceeded.Builder succeeded(StageResult result) {
    var succeeded = StageSucceeded.newBuilder();
    result
        .outputs()
        .forEach(
            (name, artifact) ->
                succeeded.addOutputs(StageOutput.newBuilder().setName(name).setArtifact(artifact)));
    result
        .measurements()
        .forEach(
            (name, value) ->
                succeeded.addMeasurements(Measurement.newBuilder().setName(name).setValue(value)));
    return succeeded;
  }
}
