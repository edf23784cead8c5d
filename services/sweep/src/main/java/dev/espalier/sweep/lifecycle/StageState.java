package dev.espalier.sweep.lifecycle;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A stage as its events tell it.
 *
 * @param inputs stages whose outputs it reads
 * @param arrived those outputs, as far as they are there
 * @param claims trials that wait for it or have used it, in the order in which they came
 * @param left trials that are done with it for good
 * @param holding sweeps and trials that do not want it to run now
 * @param generation of the latest lease
 * @param attempts failed attempts that count, since it was last requested
 * @param workerLosses workers lost, since it was last requested
 * @param checkpoint latest accepted one, or null
 * @param lastEpoch latest epoch evaluated under the current lease
 * @param curve top-1 accuracy by epoch, as it was first accepted
 */
public record StageState(
    Status status,
    Set<String> inputs,
    Map<String, List<Output>> arrived,
    GrowingMap<Claim> claims,
    GrowingSet left,
    Set<Holder> holding,
    long generation,
    int attempts,
    int workerLosses,
    StageEvent.CheckpointSaved checkpoint,
    int lastEpoch,
    Map<Integer, Double> curve) {

  /** Where a stage stands. */
  public sealed interface Status {

    /** No events yet. */
    record Absent() implements Status {}

    /** Waits for inputs, for a worker, or for {@code retryAt} to pass. */
    record Waiting(Instant retryAt) implements Status {}

    /**
     * @param yielding whether it was told to give its slot back
     */
    record Running(Lease lease, boolean started, boolean yielding) implements Status {}

    record Succeeded(List<Output> outputs, List<Measurement> measurements) implements Status {}

    record Failed(FailureCause cause) implements Status {}

    record Cancelled() implements Status {}
  }

  /** A trial's wish. */
  public record Claim(String sweepId, int priority) {}

  static final StageState ABSENT =
      new StageState(
          new Status.Absent(),
          Set.of(),
          Map.of(),
          GrowingMap.empty(),
          GrowingSet.empty(),
          Set.of(),
          0,
          0,
          0,
          null,
          -1,
          Map.of());

  /** Whether all that it reads is there. */
  public boolean hasInputs() {
    return arrived.keySet().containsAll(inputs);
  }

  /** Whether every trial that wants it is paused, or its sweep is. */
  public boolean held() {
    return !holding.isEmpty()
        && !claims.isEmpty()
        && claims.entrySet().stream()
            .allMatch(
                claim ->
                    holding.contains(new Holder.OfTrial(claim.getKey()))
                        || holding.contains(new Holder.OfSweep(claim.getValue().sweepId())));
  }

  /** Whether its worker should give it back after a checkpoint: it is held, or preempted. */
  public boolean yields() {
    return status instanceof Status.Running running && (running.yielding() || held());
  }

  /** Whether it may be given to a worker. */
  public boolean runnable(Instant now) {
    return status instanceof Status.Waiting waiting
        && hasInputs()
        && !held()
        && !now.isBefore(waiting.retryAt());
  }

  StageState with(Status next) {
    return new StageState(
        next,
        inputs,
        arrived,
        claims,
        left,
        holding,
        generation,
        attempts,
        workerLosses,
        checkpoint,
        lastEpoch,
        curve);
  }

  StageState withClaims(GrowingMap<Claim> nextClaims, GrowingSet nextLeft) {
    return new StageState(
        status,
        inputs,
        arrived,
        nextClaims,
        nextLeft,
        holding,
        generation,
        attempts,
        workerLosses,
        checkpoint,
        lastEpoch,
        curve);
  }

  StageState withHolding(Set<Holder> next) {
    return new StageState(
        status,
        inputs,
        arrived,
        claims,
        left,
        next,
        generation,
        attempts,
        workerLosses,
        checkpoint,
        lastEpoch,
        curve);
  }

  StageState withArrived(Map<String, List<Output>> next) {
    return new StageState(
        status,
        inputs,
        next,
        claims,
        left,
        holding,
        generation,
        attempts,
        workerLosses,
        checkpoint,
        lastEpoch,
        curve);
  }

  StageState withCheckpoint(StageEvent.CheckpointSaved next) {
    return new StageState(
        status,
        inputs,
        arrived,
        claims,
        left,
        holding,
        generation,
        attempts,
        workerLosses,
        next,
        lastEpoch,
        curve);
  }

  StageState evaluated(int epoch, double top1Accuracy) {
    Map<Integer, Double> longer = new TreeMap<>(curve);
    longer.putIfAbsent(epoch, top1Accuracy);
    return new StageState(
        status,
        inputs,
        arrived,
        claims,
        left,
        holding,
        generation,
        attempts,
        workerLosses,
        checkpoint,
        epoch,
        Collections.unmodifiableMap(longer));
  }

  StageState withCounts(int nextAttempts, int nextWorkerLosses) {
    return new StageState(
        status,
        inputs,
        arrived,
        claims,
        left,
        holding,
        generation,
        nextAttempts,
        nextWorkerLosses,
        checkpoint,
        lastEpoch,
        curve);
  }

  StageState withGeneration(long next) {
    return new StageState(
        status,
        inputs,
        arrived,
        claims,
        left,
        holding,
        next,
        attempts,
        workerLosses,
        checkpoint,
        -1,
        curve);
  }

  StageState requested(Set<String> wanted) {
    return new StageState(
        new Status.Waiting(Instant.EPOCH),
        wanted,
        arrived,
        claims,
        left,
        Set.of(),
        generation,
        0,
        0,
        // A failure may lie in the checkpoint; whoever was merely cancelled goes on from it.
        status instanceof Status.Failed ? null : checkpoint,
        -1,
        curve);
  }
}
