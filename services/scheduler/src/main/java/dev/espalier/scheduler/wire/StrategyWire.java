package dev.espalier.scheduler.wire;

import dev.espalier.schemas.sweep.v1.BisectionStepped;
import dev.espalier.schemas.sweep.v1.CellPromoted;
import dev.espalier.schemas.sweep.v1.TrialEpochReached;
import dev.espalier.schemas.sweep.v1.TrialStopDecided;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.strategy.Bisection;
import dev.espalier.sweep.strategy.CellRef;
import dev.espalier.sweep.strategy.Verdict;

/** What strategies and stopping rules decided, between the wire and our records. */
public final class StrategyWire {

  private StrategyWire() {}

  public static dev.espalier.schemas.sweep.v1.CellRef write(CellRef cell) {
    return dev.espalier.schemas.sweep.v1.CellRef.newBuilder()
        .setCellId(cell.cellId())
        .setMethod(cell.method())
        .setTarget(cell.target())
        .build();
  }

  public static CellRef read(dev.espalier.schemas.sweep.v1.CellRef cell) {
    return new CellRef(cell.getCellId(), cell.getMethod(), cell.getTarget());
  }

  public static TrialEpochReached write(SweepEvent.EpochReached reached) {
    return TrialEpochReached.newBuilder()
        .setTrialId(reached.trialId())
        .setCell(write(reached.cell()))
        .setEpoch(reached.epoch())
        .setTop1Accuracy(reached.top1Accuracy())
        .setAwaitsPromotion(reached.awaitsPromotion())
        .build();
  }

  public static SweepEvent.EpochReached read(TrialEpochReached reached) {
    return new SweepEvent.EpochReached(
        reached.getTrialId(),
        read(reached.getCell()),
        reached.getEpoch(),
        reached.getTop1Accuracy(),
        reached.getAwaitsPromotion());
  }

  public static CellPromoted write(Verdict.Promote promotion) {
    return CellPromoted.newBuilder()
        .setCellId(promotion.cellId())
        .setRung(promotion.rung())
        .setEpochs(promotion.epochs())
        .setTop1Accuracy(promotion.top1Accuracy())
        .setRank(promotion.rank())
        .setEntries(promotion.entries())
        .addAllTrialIds(promotion.trialIds())
        .build();
  }

  public static Verdict.Promote read(CellPromoted promoted) {
    return new Verdict.Promote(
        promoted.getCellId(),
        promoted.getRung(),
        promoted.getEpochs(),
        promoted.getTop1Accuracy(),
        promoted.getRank(),
        promoted.getEntries(),
        promoted.getTrialIdsList());
  }

  public static TrialStopDecided write(Verdict.Stop stop) {
    return TrialStopDecided.newBuilder()
        .setTrialId(stop.trialId())
        .setCellId(stop.cellId())
        .setEpoch(stop.epoch())
        .setRule(stop.rule())
        .setReason(stop.reason())
        .build();
  }

  public static Verdict.Stop read(TrialStopDecided decided) {
    return new Verdict.Stop(
        decided.getTrialId(),
        decided.getCellId(),
        decided.getEpoch(),
        decided.getRule(),
        decided.getReason());
  }

  public static BisectionStepped write(Bisection.Step step) {
    return BisectionStepped.newBuilder()
        .setTrialId(step.trialId())
        .setLine(step.line())
        .setKeepRatio(step.keepRatio())
        .setLoss(step.loss())
        .setWithin(step.within())
        .setNextKeepRatio(step.nextKeepRatio())
        .setSmallestKeepRatio(step.smallestKeepRatio())
        .build();
  }

  public static Bisection.Step read(BisectionStepped stepped) {
    return new Bisection.Step(
        stepped.getTrialId(),
        stepped.getLine(),
        stepped.getKeepRatio(),
        stepped.getLoss(),
        stepped.getWithin(),
        stepped.getNextKeepRatio(),
        stepped.getSmallestKeepRatio());
  }
}
