package dev.espalier.sweep.lifecycle;

import dev.espalier.sweep.lifecycle.StageCommand.Report;
import dev.espalier.sweep.lifecycle.StageState.Status;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The life of a stage, which many trials may share: requested and claimed, run by one worker at a
 * time under a lease, tried again after a passing failure, and done once for all who claim it.
 */
public final class StageDecider implements Decider<StageState, StageCommand, StageEvent> {

  private final RetryPolicy retry;

  public StageDecider(RetryPolicy retry) {
    this.retry = retry;
  }

  @Override
  public StageState initial() {
    return StageState.ABSENT;
  }

  @Override
  public List<StageEvent> decide(StageState state, StageCommand command, Instant now) {
    if (command instanceof StageCommand.Claim claim) {
      return claim(state, claim);
    }
    if (command instanceof StageCommand.Accept accept) {
      return accept(state, accept, now);
    }
    if (state.status() instanceof Status.Absent) {
      return List.of();
    }
    if (command instanceof StageCommand.Release release) {
      return release(state, release);
    }
    if (command instanceof StageCommand.ReceiveInput input) {
      boolean awaited =
          state.inputs().contains(input.stageId()) && !state.arrived().containsKey(input.stageId());
      return awaited
          ? List.of(new StageEvent.InputArrived(input.stageId(), input.outputs()))
          : List.of();
    }
    if (command instanceof StageCommand.Assign assign) {
      return state.runnable(now)
          ? List.of(
              new StageEvent.Assigned(
                  assign.workerId(), assign.leaseId(), state.generation() + 1, assign.device()))
          : List.of();
    }
    if (command instanceof StageCommand.Expire expire) {
      return runsUnder(state, expire.lease()) ? workerLost(state, expire.lease(), now) : List.of();
    }
    if (command instanceof StageCommand.Stall stall) {
      FailureCause cause =
          new FailureCause(FailureCategory.CAPACITY, FailureCause.STALLED, stall.message());
      return runsUnder(state, stall.lease())
          ? attemptFailed(state, stall.lease(), cause, now)
          : List.of();
    }
    if (command instanceof StageCommand.Preempt preempt) {
      return runsUnder(state, preempt.lease()) && !((Status.Running) state.status()).yielding()
          ? List.of(new StageEvent.Preempted(preempt.lease().generation(), preempt.reason()))
          : List.of();
    }
    if (command instanceof StageCommand.Hold hold) {
      boolean wanted =
          !state.holding().contains(hold.holder())
              && state.claims().entrySet().stream()
                  .anyMatch(claim -> hold.holder().speaksFor(claim.getKey(), claim.getValue()));
      return wanted && unfinished(state)
          ? List.of(new StageEvent.Held(hold.holder(), hold.reason()))
          : List.of();
    }
    if (command instanceof StageCommand.Forget forget) {
      boolean unwanted =
          state.claims().values().stream()
              .allMatch(claim -> forget.deleted().contains(claim.sweepId()));
      return unwanted && !unfinished(state)
          ? List.of(new StageEvent.Forgotten(state.generation()))
          : List.of();
    }
    Holder holder = ((StageCommand.ReleaseFromHold) command).holder();
    return state.holding().contains(holder)
        ? List.of(new StageEvent.ReleasedFromHold(holder))
        : List.of();
  }

  private static List<StageEvent> claim(StageState state, StageCommand.Claim claim) {
    if (state.claims().containsKey(claim.trialId()) || state.left().contains(claim.trialId())) {
      return List.of();
    }
    StageEvent claimed =
        new StageEvent.Claimed(
            claim.trialId(), claim.sweepId(), claim.priority(), claim.remaining());
    boolean over =
        state.status() instanceof Status.Absent
            || state.status() instanceof Status.Failed
            || state.status() instanceof Status.Cancelled;
    return over ? List.of(new StageEvent.Requested(claim.inputs()), claimed) : List.of(claimed);
  }

  private static List<StageEvent> release(StageState state, StageCommand.Release release) {
    if (!state.claims().containsKey(release.trialId())) {
      return List.of();
    }
    StageEvent released = new StageEvent.Released(release.trialId(), release.reason());
    return state.claims().size() == 1 && unfinished(state)
        ? List.of(released, new StageEvent.Cancelled(release.reason()))
        : List.of(released);
  }

  private List<StageEvent> accept(StageState state, StageCommand.Accept accept, Instant now) {
    Report report = accept.report();
    if (!runsUnder(state, accept.lease())) {
      // A worker that was told to stop says so; that claims no result and needs no refusal.
      return report instanceof Report.Interrupted || state.status() instanceof Status.Absent
          ? List.of()
          : List.of(
              new StageEvent.StaleReportRejected(
                  accept.reportEventId(),
                  accept.lease().workerId(),
                  accept.lease().generation(),
                  state.generation(),
                  report.type()));
    }
    if (report instanceof Report.Started started) {
      return ((Status.Running) state.status()).started() ? List.of() : List.of(started.started());
    }
    if (report instanceof Report.CheckpointSaved saved) {
      boolean further =
          state.checkpoint() == null || saved.saved().step() > state.checkpoint().step();
      return further ? List.of(saved.saved()) : List.of();
    }
    if (report instanceof Report.EpochEvaluated evaluated) {
      return evaluated.evaluated().epoch() > state.lastEpoch()
          ? List.of(evaluated.evaluated())
          : List.of();
    }
    if (report instanceof Report.Succeeded succeeded) {
      return List.of(succeeded.succeeded());
    }
    if (report instanceof Report.Failed failed) {
      return attemptFailed(state, accept.lease(), failed.cause(), now);
    }
    FailureCause given =
        new FailureCause(
            FailureCategory.CAPACITY,
            FailureCause.INTERRUPTED,
            ((Report.Interrupted) report).reason());
    return List.of(
        new StageEvent.AttemptEnded(
            accept.lease().generation(), accept.lease().workerId(), given, now, false));
  }

  private List<StageEvent> attemptFailed(
      StageState state, Lease lease, FailureCause cause, Instant now) {
    int attempts = state.attempts() + 1;
    boolean again = cause.category().worthRetrying() && attempts < retry.maxAttempts();
    Instant retryAt = again ? now.plus(retry.backOff(attempts, lease.leaseId())) : null;
    return ended(lease, cause, retryAt, true, attempts);
  }

  private List<StageEvent> workerLost(StageState state, Lease lease, Instant now) {
    int losses = state.workerLosses() + 1;
    FailureCause cause =
        new FailureCause(
            FailureCategory.CAPACITY,
            FailureCause.WORKER_LOST,
            "worker " + lease.workerId() + " stopped renewing its lease");
    // The first loss is most likely the machine's; from the second on it may be the stage's.
    Instant retryAt =
        losses > retry.maxWorkerLosses()
            ? null
            : losses == 1 ? now : now.plus(retry.backOff(losses - 1, lease.leaseId()));
    return ended(lease, cause, retryAt, false, losses);
  }

  private static List<StageEvent> ended(
      Lease lease, FailureCause cause, Instant retryAt, boolean counted, int attempts) {
    StageEvent ended =
        new StageEvent.AttemptEnded(lease.generation(), lease.workerId(), cause, retryAt, counted);
    return retryAt == null
        ? List.of(ended, new StageEvent.Failed(cause, attempts))
        : List.of(ended);
  }

  private static boolean runsUnder(StageState state, Lease lease) {
    return state.status() instanceof Status.Running running && running.lease().equals(lease);
  }

  private static boolean unfinished(StageState state) {
    return state.status() instanceof Status.Waiting || state.status() instanceof Status.Running;
  }

  @Override
  public StageState evolve(StageState state, StageEvent event) {
    if (event instanceof StageEvent.Requested requested) {
      return state.requested(requested.inputs());
    }
    if (event instanceof StageEvent.Claimed claimed) {
      return state.withClaims(
          state
              .claims()
              .with(claimed.trialId(), new StageState.Claim(claimed.sweepId(), claimed.priority())),
          state.left());
    }
    if (event instanceof StageEvent.Released released) {
      return state.withClaims(
          state.claims().without(released.trialId()), state.left().with(released.trialId()));
    }
    if (event instanceof StageEvent.InputArrived arrived) {
      Map<String, List<Output>> all = new HashMap<>(state.arrived());
      all.put(arrived.stageId(), arrived.outputs());
      return state.withArrived(Map.copyOf(all));
    }
    if (event instanceof StageEvent.Assigned assigned) {
      Lease lease = new Lease(assigned.workerId(), assigned.leaseId(), assigned.generation());
      return state
          .with(new Status.Running(lease, false, false))
          .withGeneration(assigned.generation());
    }
    if (event instanceof StageEvent.Started) {
      Status.Running running = (Status.Running) state.status();
      return state.with(new Status.Running(running.lease(), true, running.yielding()));
    }
    if (event instanceof StageEvent.Preempted) {
      Status.Running running = (Status.Running) state.status();
      return state.with(new Status.Running(running.lease(), running.started(), true));
    }
    if (event instanceof StageEvent.CheckpointSaved saved) {
      return state.withCheckpoint(saved);
    }
    if (event instanceof StageEvent.EpochEvaluated evaluated) {
      return state.evaluated(evaluated.epoch(), evaluated.top1Accuracy());
    }
    if (event instanceof StageEvent.Succeeded succeeded) {
      return state.with(new Status.Succeeded(succeeded.outputs(), succeeded.measurements()));
    }
    if (event instanceof StageEvent.AttemptEnded ended) {
      boolean lost = ended.cause().code().equals(FailureCause.WORKER_LOST);
      return state
          .with(new Status.Waiting(ended.retryAt() == null ? Instant.MAX : ended.retryAt()))
          .withCounts(
              state.attempts() + (ended.counted() ? 1 : 0), state.workerLosses() + (lost ? 1 : 0));
    }
    if (event instanceof StageEvent.Failed failed) {
      return state
          .with(new Status.Failed(failed.cause()))
          .withClaims(GrowingMap.empty(), state.left().with(state.claims().keySet()));
    }
    if (event instanceof StageEvent.Cancelled) {
      return state.with(new Status.Cancelled());
    }
    if (event instanceof StageEvent.Held held) {
      return state.withHolding(with(state.holding(), Set.of(held.holder())));
    }
    if (event instanceof StageEvent.ReleasedFromHold released) {
      Set<Holder> holding = new HashSet<>(state.holding());
      holding.remove(released.holder());
      return state.withHolding(Set.copyOf(holding));
    }
    if (event instanceof StageEvent.Forgotten forgotten) {
      return StageState.ABSENT.withGeneration(forgotten.generation());
    }
    // StaleReportRejected is a note for people.
    return state;
  }

  private static <T> Set<T> with(Set<T> some, Set<T> more) {
    Set<T> all = new HashSet<>(some);
    all.addAll(more);
    return Collections.unmodifiableSet(all);
  }
}
