package dev.espalier.sweep.lifecycle;

import dev.espalier.sweep.lifecycle.Consequence.ForStage;
import dev.espalier.sweep.lifecycle.Consequence.ForSweep;
import dev.espalier.sweep.lifecycle.Consequence.ForTrial;
import dev.espalier.sweep.lifecycle.Consequence.PlanChunk;
import dev.espalier.sweep.lifecycle.Consequence.PlanTrials;
import dev.espalier.sweep.lifecycle.StageState.Status;
import dev.espalier.sweep.strategy.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Carries what happened in one stream to the others that care. Each answer rests on the stream's
 * state at that very event, so that it does not matter how late the event is heard, and on look-ups
 * that only grow; what comes to be after the look-up hears of it through its own first event.
 */
public final class Consequences {

  /** What has to be looked up. */
  public interface View {

    /** Trials of a sweep that are known so far. */
    List<String> trialsOf(String sweepId);

    /** Stages claimed by trials of a sweep. */
    List<String> stagesClaimedBy(String sweepId);

    /** Stages that read outputs of this stage. */
    List<String> readersOf(String stageId);

    /** Whether a sweep is paused now. */
    boolean paused(String sweepId);

    /** A stage as it is now. */
    StageState stage(String stageId);

    /** Trials that claim a stage and whose sweeps watch epochs. */
    List<String> watchersOf(String stageId);

    /** A trial as it is now. */
    TrialState trial(String trialId);

    /** Chunks that a sweep has planned. */
    int chunks(String sweepId);

    /** Rung of a sweep that ends with this epoch. */
    int rungAt(String sweepId, int epoch);
  }

  private final View view;

  public Consequences(View view) {
    this.view = view;
  }

  public List<Consequence> of(String sweepId, SweepEvent event) {
    if (event instanceof SweepEvent.Accepted) {
      return List.of(new PlanChunk(sweepId, 0));
    }
    if (event instanceof SweepEvent.TrialsPlanned planned) {
      return planned.last()
          ? List.of(new PlanTrials(sweepId, planned.trialIds()))
          : List.of(
              new PlanTrials(sweepId, planned.trialIds()),
              new PlanChunk(sweepId, planned.chunk() + 1));
    }
    if (event instanceof SweepEvent.BisectionStepped stepped) {
      return stepped.step().nextKeepRatio() > 0
          ? List.of(new PlanChunk(sweepId, view.chunks(sweepId)))
          : List.of();
    }
    if (event instanceof SweepEvent.EpochReached reached) {
      return reached.awaitsPromotion()
          ? List.of(
              new ForTrial(
                  reached.trialId(),
                  new TrialCommand.AwaitPromotion(
                      view.rungAt(sweepId, reached.epoch()), reached.epoch())))
          : List.of();
    }
    if (event instanceof SweepEvent.CellPromoted promoted) {
      TrialCommand climb =
          new TrialCommand.Promote(promoted.promotion().rung(), promoted.promotion().epochs());
      return promoted.promotion().trialIds().stream()
          .<Consequence>map(trial -> new ForTrial(trial, climb))
          .toList();
    }
    if (event instanceof SweepEvent.StopDecided decided) {
      Verdict.Stop stop = decided.stop();
      return List.of(
          new ForTrial(
              stop.trialId(), new TrialCommand.Stop(stop.rule(), stop.epoch(), stop.reason())));
    }
    if (event instanceof SweepEvent.Paused) {
      StageCommand hold = new StageCommand.Hold(new Holder.OfSweep(sweepId), "sweep paused");
      return tellAll(view.stagesClaimedBy(sweepId), hold);
    }
    if (event instanceof SweepEvent.Resumed) {
      StageCommand release = new StageCommand.ReleaseFromHold(new Holder.OfSweep(sweepId));
      return tellAll(view.stagesClaimedBy(sweepId), release);
    }
    if (event instanceof SweepEvent.Cancelled cancelled) {
      return view.trialsOf(sweepId).stream()
          .<Consequence>map(
              trial -> new ForTrial(trial, new TrialCommand.Cancel(cancelled.reason())))
          .toList();
    }
    if (event instanceof SweepEvent.Deleted) {
      return view.trialsOf(sweepId).stream()
          .<Consequence>map(trial -> new ForTrial(trial, new TrialCommand.Delete()))
          .toList();
    }
    // TrialEnded and Completed end here.
    return List.of();
  }

  /**
   * @param state the trial right after the event
   */
  public List<Consequence> of(String trialId, TrialEvent event, TrialState state) {
    if (event instanceof TrialEvent.Planned planned) {
      List<PlannedStage> walk = planned.stages();
      List<Consequence> claims = new ArrayList<>();
      for (int i = 0; i < walk.size(); i++) {
        StageCommand claim =
            new StageCommand.Claim(
                walk.get(i).inputs(),
                trialId,
                planned.sweepId(),
                planned.priority(),
                walk.size() - i);
        claims.add(new ForStage(walk.get(i).stageId(), claim));
      }
      return claims;
    }
    if (state instanceof TrialState.Running running) {
      // Claims come from an earlier event of the same stream: by now every stage knows the trial.
      List<String> walk = running.planned().stages().stream().map(PlannedStage::stageId).toList();
      if (event instanceof TrialEvent.Paused) {
        return tellAll(walk, new StageCommand.Hold(new Holder.OfTrial(trialId), "trial paused"));
      }
      if (event instanceof TrialEvent.AwaitsPromotion awaits) {
        return tellAll(walk, new StageCommand.Hold(new Holder.OfTrial(trialId), awaits.reason()));
      }
      boolean freed = event instanceof TrialEvent.Resumed || event instanceof TrialEvent.Promoted;
      if (freed && !running.held()) {
        return tellAll(walk, new StageCommand.ReleaseFromHold(new Holder.OfTrial(trialId)));
      }
    }
    if (!(state instanceof TrialState.Ended ended)) {
      return List.of();
    }
    List<Consequence> all = new ArrayList<>();
    if (ended.outcome() != TrialOutcome.SUCCEEDED) {
      String reason =
          event instanceof TrialEvent.Cancelled cancelled
              ? cancelled.reason()
              : event instanceof TrialEvent.Stopped stopped ? stopped.reason() : "trial failed";
      for (PlannedStage stage : ended.planned().stages()) {
        all.add(new ForStage(stage.stageId(), new StageCommand.Release(trialId, reason)));
      }
    }
    all.add(
        new ForSweep(
            ended.planned().sweepId(),
            new SweepCommand.EndTrial(
                trialId,
                ended.outcome(),
                ended.cause(),
                ended.planned().cell(),
                measured(event, "top1_accuracy"),
                measured(event, "base_top1_accuracy"))));
    return all;
  }

  private static double measured(TrialEvent event, String name) {
    return event instanceof TrialEvent.Succeeded succeeded
        ? succeeded.measurements().stream()
            .filter(measurement -> measurement.name().equals(name))
            .mapToDouble(Measurement::value)
            .findFirst()
            .orElse(Double.NaN)
        : Double.NaN;
  }

  /** What sweeps that watch epochs are told of one. */
  public List<Consequence> of(String stageId, StageEvent.EpochEvaluated evaluated) {
    return watched(stageId, Map.of(evaluated.epoch(), evaluated.top1Accuracy()), trial -> true);
  }

  private List<Consequence> watched(
      String stageId, Map<Integer, Double> curve, Predicate<String> whose) {
    List<Consequence> all = new ArrayList<>();
    for (String trial : view.watchersOf(stageId)) {
      if (whose.test(trial)
          && view.trial(trial) instanceof TrialState.Running running
          && running.planned().recoveryStage().equals(stageId)) {
        all.add(
            new ForSweep(
                running.planned().sweepId(),
                new SweepCommand.ReachEpochs(trial, running.planned().cell(), curve)));
      }
    }
    return all;
  }

  /** Whether an event of a stage may concern others at all; most do not. */
  public static boolean mayFollowFrom(StageEvent event) {
    return event instanceof StageEvent.Requested
        || event instanceof StageEvent.Claimed
        || event instanceof StageEvent.Succeeded
        || event instanceof StageEvent.Failed;
  }

  /**
   * @param before the stage right before the event
   * @param after and right after it
   */
  public List<Consequence> of(
      String stageId, StageEvent event, StageState before, StageState after) {
    if (event instanceof StageEvent.Requested requested) {
      return requested.inputs().stream()
          .map(input -> arrival(input, view.stage(input), stageId))
          .flatMap(Optional::stream)
          .toList();
    }
    if (event instanceof StageEvent.Claimed claimed) {
      // What others trained before this claim counts for its trial, too.
      List<Consequence> all = new ArrayList<>();
      if (!after.curve().isEmpty()) {
        all.addAll(watched(stageId, after.curve(), claimed.trialId()::equals));
      }
      if (after.status() instanceof Status.Succeeded done) {
        all.add(success(claimed.trialId(), stageId, done));
      } else if (view.paused(claimed.sweepId())) {
        all.add(
            new ForStage(
                stageId,
                new StageCommand.Hold(new Holder.OfSweep(claimed.sweepId()), "sweep paused")));
      }
      return all;
    }
    if (event instanceof StageEvent.Succeeded) {
      Status.Succeeded done = (Status.Succeeded) after.status();
      List<Consequence> all = new ArrayList<>();
      for (String reader : view.readersOf(stageId)) {
        all.add(new ForStage(reader, new StageCommand.ReceiveInput(stageId, done.outputs())));
      }
      for (String trial : after.claims().keySet()) {
        all.add(success(trial, stageId, done));
      }
      return all;
    }
    if (event instanceof StageEvent.Failed failed) {
      List<Consequence> all = new ArrayList<>();
      for (Map.Entry<String, StageState.Claim> claim : before.claims().entrySet()) {
        all.add(
            new ForTrial(claim.getKey(), new TrialCommand.StageFailed(stageId, failed.cause())));
      }
      return all;
    }
    return List.of();
  }

  private static List<Consequence> tellAll(List<String> stages, StageCommand command) {
    return stages.stream().<Consequence>map(stage -> new ForStage(stage, command)).toList();
  }

  private static Optional<Consequence> arrival(String input, StageState made, String reader) {
    return made.status() instanceof Status.Succeeded done
        ? Optional.of(new ForStage(reader, new StageCommand.ReceiveInput(input, done.outputs())))
        : Optional.empty();
  }

  private static Consequence success(String trialId, String stageId, Status.Succeeded done) {
    return new ForTrial(
        trialId, new TrialCommand.StageSucceeded(stageId, done.measurements(), done.outputs()));
  }
}
