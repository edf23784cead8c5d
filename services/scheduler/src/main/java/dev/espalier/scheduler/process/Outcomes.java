package dev.espalier.scheduler.process;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Inbox.Arrival;
import dev.espalier.eventstore.Transactions;
import dev.espalier.scheduler.stream.Changes;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.stream.TrialStreams;
import dev.espalier.sweep.lifecycle.Consequence;
import dev.espalier.sweep.lifecycle.Holder;
import dev.espalier.sweep.lifecycle.StageCommand;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Carries consequences out, many in one transaction: an event that concerns thousands of streams is
 * carried out in several, many events that concern few in one.
 */
final class Outcomes {

  /** Keeps locks short. */
  private static final int CONSEQUENCES_OF_A_TRANSACTION = 400;

  private static final String CONSUMER = "process";

  private static final String PAUSED_SWEEP =
      "select state = 'PAUSED' from sweep where sweep_id = ? for share";

  private static final String PAUSED_TRIAL =
      "select paused or waits from trial where trial_id = ? for share";

  /**
   * @param last of its outcome: the event is then done with
   */
  private record Step(Outcome outcome, Consequence consequence, boolean last) {}

  private final Transactions transactions;
  private final EventStore events;
  private final Inbox inbox;
  private final SweepStreams sweeps;
  private final TrialStreams trials;
  private final StageStreams stages;
  private final GridPlanner grid;

  Outcomes(
      Transactions transactions,
      EventStore events,
      Inbox inbox,
      SweepStreams sweeps,
      TrialStreams trials,
      StageStreams stages,
      GridPlanner grid) {
    this.transactions = transactions;
    this.events = events;
    this.inbox = inbox;
    this.sweeps = sweeps;
    this.trials = trials;
    this.stages = stages;
    this.grid = grid;
  }

  void carryOut(List<Outcome> outcomes) throws SQLException {
    List<Step> together = new ArrayList<>();
    for (Outcome outcome : outcomes) {
      int count = outcome.consequences().size();
      for (int i = 0; i < count; i++) {
        Consequence consequence = outcome.consequences().get(i);
        if (consequence instanceof Consequence.PlanTrials chunk) {
          transact(together);
          grid.planTrials(chunk, outcome.cause());
          continue;
        }
        together.add(new Step(outcome, consequence, i == count - 1));
        if (together.size() == CONSEQUENCES_OF_A_TRANSACTION) {
          transact(together);
        }
      }
    }
    transact(together);
  }

  private void transact(List<Step> together) throws SQLException {
    if (together.isEmpty()) {
      return;
    }
    List<Step> steps = List.copyOf(together);
    together.clear();
    Changes.in(
        transactions,
        events,
        changes -> {
          carryOut(changes, news(changes.connection(), steps));
          return null;
        });
  }

  /** Leaves out those whose event another has carried out to its end. */
  private List<Step> news(Connection connection, List<Step> steps) throws SQLException {
    List<Step> ends = steps.stream().filter(Step::last).toList();
    boolean[] first =
        inbox.firstSeen(
            connection,
            CONSUMER,
            ends.stream()
                .map(step -> step.outcome.record())
                .map(record -> new Arrival(record.eventId(), record.payload()))
                .toList());
    List<Step> news = new ArrayList<>(steps);
    for (int i = 0; i < first.length; i++) {
      if (!first[i]) {
        Step repeated = ends.get(i);
        news.removeIf(step -> step.outcome == repeated.outcome);
      }
    }
    return news;
  }

  private void carryOut(Changes changes, List<Step> steps) throws SQLException {
    // The locks on holders' rows keep the answers true until the transaction ends.
    Map<Holder, Boolean> paused = new HashMap<>();
    for (Step step : steps) {
      Holder holder = holder(step.consequence);
      if (holder != null && !paused.containsKey(holder)) {
        paused.put(holder, paused(changes.connection(), holder));
      }
    }
    List<String> sweepIds = new ArrayList<>();
    List<String> trialIds = new ArrayList<>();
    List<String> stageIds = new ArrayList<>();
    for (Step step : steps) {
      if (step.consequence instanceof Consequence.ForSweep sweep) {
        sweepIds.add(sweep.sweepId());
      } else if (step.consequence instanceof Consequence.PlanChunk chunk) {
        sweepIds.add(chunk.sweepId());
      } else if (step.consequence instanceof Consequence.ForTrial trial) {
        trialIds.add(trial.trialId());
      } else if (step.consequence instanceof Consequence.ForStage stage) {
        stageIds.add(stage.stageId());
      }
    }
    sweeps.prepare(changes, sweepIds);
    trials.prepare(changes, trialIds);
    stages.prepare(changes, stageIds);
    for (Step step : steps) {
      carryOut(changes, step, paused);
    }
  }

  private void carryOut(Changes changes, Step step, Map<Holder, Boolean> paused)
      throws SQLException {
    Outcome of = step.outcome;
    if (step.consequence instanceof Consequence.ForSweep sweep) {
      sweeps.decide(changes, sweep.sweepId(), sweep.command(), of.cause());
    } else if (step.consequence instanceof Consequence.ForTrial trial) {
      trials.decide(changes, trial.trialId(), trial.command(), of.cause());
    } else if (step.consequence instanceof Consequence.PlanChunk chunk) {
      grid.planChunk(changes, chunk, of.cause());
    } else if (step.consequence instanceof Consequence.ForStage stage) {
      if (stage.command() instanceof StageCommand.Claim claim) {
        stages.claim(changes, stage.stageId(), of.specs().get(stage.stageId()), claim, of.cause());
      } else if (!outdated(stage.command(), paused)) {
        stages.decide(changes, stage.stageId(), stage.command(), of.cause());
      }
    }
  }

  /** By a later word of the same holder, whose own event will follow. */
  private static boolean outdated(StageCommand command, Map<Holder, Boolean> paused) {
    if (command instanceof StageCommand.Hold hold) {
      return !paused.get(hold.holder());
    }
    return command instanceof StageCommand.ReleaseFromHold release && paused.get(release.holder());
  }

  private static Holder holder(Consequence consequence) {
    if (consequence instanceof Consequence.ForStage stage) {
      if (stage.command() instanceof StageCommand.Hold hold) {
        return hold.holder();
      }
      if (stage.command() instanceof StageCommand.ReleaseFromHold release) {
        return release.holder();
      }
    }
    return null;
  }

  private static boolean paused(Connection connection, Holder holder) throws SQLException {
    boolean ofSweep = holder instanceof Holder.OfSweep;
    try (var statement = connection.prepareStatement(ofSweep ? PAUSED_SWEEP : PAUSED_TRIAL)) {
      statement.setString(
          1,
          holder instanceof Holder.OfSweep sweep
              ? sweep.sweepId()
              : ((Holder.OfTrial) holder).trialId());
      try (ResultSet row = statement.executeQuery()) {
        return row.next() && row.getBoolean(1);
      }
    }
  }
}
