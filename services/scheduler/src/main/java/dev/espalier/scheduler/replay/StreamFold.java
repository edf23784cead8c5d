package dev.espalier.scheduler.replay;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.espalier.eventstore.StoredEvent;
import dev.espalier.scheduler.projection.StageProjection;
import dev.espalier.scheduler.projection.Statements;
import dev.espalier.scheduler.projection.Statements.Statement;
import dev.espalier.scheduler.projection.SweepProjection;
import dev.espalier.scheduler.projection.TrialProjection;
import dev.espalier.scheduler.stream.UnknownHistory;
import dev.espalier.scheduler.wire.StageWire;
import dev.espalier.scheduler.wire.SweepWire;
import dev.espalier.schemas.stage.v1.StageEvent;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.schemas.trial.v1.TrialEvent;
import dev.espalier.sweep.lifecycle.RetryPolicy;
import dev.espalier.sweep.lifecycle.StageDecider;
import dev.espalier.sweep.lifecycle.StageState;
import dev.espalier.sweep.lifecycle.SweepDecider;
import dev.espalier.sweep.lifecycle.SweepState;
import java.util.Deque;
import java.util.List;

/** Folds one stream from its beginning, with the code that decides, and says what it projects. */
final class StreamFold {

  private final StageDecider stages = new StageDecider(RetryPolicy.DEFAULT);
  private final SweepDecider sweeps = new SweepDecider();
  private final StageProjection ofStages = new StageProjection();
  private final SweepProjection ofSweeps = new SweepProjection();
  private final TrialProjection ofTrials = new TrialProjection();
  private final Statements statements = new Statements();

  /**
   * @param events of one stream, all of them, in order
   * @return what its projections write, in order
   */
  Deque<Statement> fold(List<StoredEvent> events) {
    StoredEvent first = events.get(0);
    try {
      if (first.stream().startsWith("stage-")) {
        foldStage(events);
      } else if (first.stream().startsWith("trial-")) {
        for (StoredEvent event : events) {
          ofTrials.apply(statements, TrialEvent.parseFrom(event.payload()));
        }
      } else if (first.stream().startsWith("sweep-")) {
        foldSweep(events);
      }
      // Rejections are streams of their own, which nothing is projected from.
      return statements.take();
    } catch (InvalidProtocolBufferException e) {
      throw new UnknownHistory(first.stream(), first.version(), first.type());
    }
  }

  private void foldStage(List<StoredEvent> events) throws InvalidProtocolBufferException {
    StageState state = stages.initial();
    for (StoredEvent event : events) {
      StageEvent message = StageEvent.parseFrom(event.payload());
      StageState after =
          stages.evolve(state, StageWire.read(message).orElseThrow(() -> unknown(event)));
      ofStages.apply(statements, message, state, after);
      state = after;
    }
  }

  private void foldSweep(List<StoredEvent> events) throws InvalidProtocolBufferException {
    SweepState state = sweeps.initial();
    for (StoredEvent event : events) {
      SweepEvent message = SweepEvent.parseFrom(event.payload());
      state = sweeps.evolve(state, SweepWire.read(message).orElseThrow(() -> unknown(event)));
      ofSweeps.apply(statements, message, state);
    }
  }

  private static UnknownHistory unknown(StoredEvent event) {
    return new UnknownHistory(event.stream(), event.version(), event.type());
  }
}
