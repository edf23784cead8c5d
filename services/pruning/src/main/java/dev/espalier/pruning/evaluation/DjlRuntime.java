package dev.espalier.pruning.evaluation;

import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitModel;

/** Our own engine as a runtime to measure; the engine stays the caller's. */
public record DjlRuntime(TensorEngine tensors, VitEngine engine)
    implements LatencyMeasurement.Runtime {

  @Override
  public LatencyMeasurement.Loaded load(VitWeights weights) {
    VitModel model = VitModel.frozen(tensors, weights);
    return new LatencyMeasurement.Loaded() {
      @Override
      public Contender contender() {
        return new DjlContender(tensors, engine, model);
      }

      @Override
      public void close() {
        model.close();
      }
    };
  }
}
