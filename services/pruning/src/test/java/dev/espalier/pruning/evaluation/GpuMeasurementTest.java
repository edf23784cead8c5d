package dev.espalier.pruning.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.OnGpu;
import dev.espalier.pruning.TestDevice;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * A GPU is told what to do and the call returns; what is measured must last until it is done. Two
 * clocks differ by a few percent, an early return by a factor.
 */
@OnGpu
class GpuMeasurementTest {

  private static final TensorEngine TENSORS = TensorEngine.start(TestDevice.settings());
  private static final boolean GPU = TestDevice.settings().isGpu();
  private static final int BATCH = GPU ? 64 : 4;
  private static final int SIDE = GPU ? 224 : 28;

  private final DeviceClock clock = DeviceClock.of(GPU);
  private static final VitEngine ENGINE = VitEngine.fast(TENSORS, Precision.FP32);
  private static final VitModel MODEL =
      VitModel.frozen(
          TENSORS,
          VitInitializer.weights(
              GPU
                  ? VitArchitecture.uniform(224, 16, 3, 1000, 384, 12, 6, 1536)
                  : VitArchitecture.uniform(28, 4, 3, 10, 48, 3, 3, 192),
              0));

  @AfterAll
  static void close() {
    MODEL.close();
    ENGINE.close();
  }

  @Test
  void aMeasuredBatchLastsUntilTheDeviceIsDone() {
    float[] pixels = new float[BATCH * 3 * SIDE * SIDE];
    double measured = Double.MAX_VALUE;
    try (Contender.Pass pass =
        new DjlContender(TENSORS, ENGINE, MODEL).open(pixels, BATCH, 3, SIDE)) {
      for (int i = 0; i < 8; i++) {
        measured = Math.min(measured, pass.nanoseconds() / 1e6);
      }
    }
    assertThat(measured).isGreaterThanOrEqualTo(0.9 * shortest());
  }

  @Test
  void awaitReturnsWhenTheDeviceIsDone() {
    double needed = shortest();
    try (NDManager step = TENSORS.newManager()) {
      NDArray images = step.zeros(new Shape(BATCH, 3, SIDE, SIDE));
      TENSORS.await();
      long start = System.nanoTime();
      for (int i = 0; i < 4; i++) {
        ENGINE.logits(MODEL, images);
      }
      TENSORS.await();
      assertThat((System.nanoTime() - start) / 1e6).isGreaterThanOrEqualTo(4 * 0.9 * needed);
    }
  }

  /** The least that the device takes for a batch, by its own clock, in milliseconds. */
  private double shortest() {
    double shortest = Double.MAX_VALUE;
    for (int i = 0; i < 8; i++) {
      try (NDManager step = TENSORS.newManager()) {
        NDArray images = step.zeros(new Shape(BATCH, 3, SIDE, SIDE));
        TENSORS.await();
        shortest = Math.min(shortest, clock.milliseconds(() -> ENGINE.logits(MODEL, images)));
      }
    }
    return shortest;
  }

  @Test
  void theDeviceHasAName() {
    assertThat(DeviceName.of(GPU ? "gpu0" : "cpu")).isNotBlank().isNotEqualTo("gpu0");
  }
}
