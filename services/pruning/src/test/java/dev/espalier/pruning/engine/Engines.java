package dev.espalier.pruning.engine;

import dev.espalier.pruning.TestDevice;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;

/** The engine of the test process, and the ways of running a model on it. */
public enum Engines {
  REFERENCE,
  FAST,
  FAST_BF16;

  public static final TensorEngine TENSORS = TensorEngine.start(TestDevice.settings());

  VitEngine open() {
    return switch (this) {
      case REFERENCE -> VitEngine.reference();
      case FAST -> VitEngine.fast(TENSORS, Precision.FP32);
      case FAST_BF16 -> VitEngine.fast(TENSORS, Precision.BF16);
    };
  }
}
