package dev.espalier.pruning.dynamicvit;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.vit.VitForward;
import org.junit.jupiter.api.Test;

class OddsTest {

  @Test
  void aSurePredictorStillSaysWhatItIsSurerOf() {
    try (NDManager manager = TrainedTinyVit.TENSORS.newManager()) {
      float[] scores = {20, 0, 25, 0, 22, 0, -3, 0};
      NDArray kept = manager.create(scores, new Shape(1, 4, 2)).logSoftmax(2);
      assertThat(kept.get(":, :3, 0").toFloatArray()).as("log of 1, to rounding").containsOnly(0);
      assertThat(VitForward.odds(kept).topK(2, 1, true, true).get(1).toLongArray())
          .containsExactly(1, 2);
    }
  }
}
