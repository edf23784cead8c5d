package dev.espalier.trainer.stage;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageFailure;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import java.util.Optional;

/**
 * What a stage prunes: the base, or in a combination the model that the method before recovered.
 *
 * @param weights of that model
 * @param base shape of the base, of which keep ratios are shares
 */
record Start(VitWeights weights, VitArchitecture base) {

  static Start of(StageContext context, StageFiles files) throws StageFailure {
    VitWeights base = files.model(context.outsideInput("base").getArtifact());
    Optional<ArtifactRef> start = context.findInput("start");
    return new Start(start.isPresent() ? files.model(start.get()) : base, base.architecture());
  }

  /** A share of the base's cost as one of this model's; 1 where it costs less already. */
  double keepRatio(TargetKind kind, double ofBase) {
    if (weights.architecture().equals(base)) {
      return ofBase;
    }
    double own = Cost.of(weights.architecture()).keepRatio(Cost.of(base), kind);
    return Math.min(1, ofBase / own);
  }
}
