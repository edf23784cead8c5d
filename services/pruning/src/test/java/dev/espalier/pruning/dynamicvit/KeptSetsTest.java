package dev.espalier.pruning.dynamicvit;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.surgery.Uncut;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which patches an image keeps, at rho 0.5 of 16: 8 and then 4 ({@code dynamicvit.md} §10). */
class KeptSetsTest {

  private static final TensorEngine TENSORS = TrainedTinyVit.TENSORS;
  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;
  private static final List<Integer> COUNTS = List.of(8, 4);

  private final NDManager manager = TENSORS.newManager();
  private final NDArray images =
      manager
          .create(TinyVit.normal(new SplittableRandom(4), 1_000 * 64, 0, 1))
          .reshape(-1, 1, 8, 8);

  @AfterEach
  void free() {
    manager.close();
  }

  /** §10.4, §10.13. */
  @Test
  void everyStageKeepsOtherPatchesOfOtherImagesWhateverTheBatch() {
    try (VitModel model = model();
        GradientMode off = GradientMode.off()) {
      List<List<List<Integer>>> kept = kept(model, images);
      for (int stage = 0; stage < 2; stage++) {
        int count = COUNTS.get(stage);
        assertThat(kept.get(stage)).hasSize(1_000).allMatch(set -> set.size() == count);
        assertThat(new HashSet<>(kept.get(stage))).as("stage %d", stage).hasSizeGreaterThan(100);
      }
      List<List<List<Integer>>> turned = kept(model, images.flip(0));
      for (int i = 0; i < 1_000; i++) {
        assertThat(kept.get(0).get(i)).containsAll(kept.get(1).get(i));
        assertThat(turned.get(0).get(999 - i)).as("image %d", i).isEqualTo(kept.get(0).get(i));
        assertThat(turned.get(1).get(999 - i)).as("image %d", i).isEqualTo(kept.get(1).get(i));
      }
    }
  }

  /** §10.15. */
  @Test
  void aLastBatchThatIsNotFullAndSingleImagesScoreAlike() {
    try (VitModel model = model();
        GradientMode off = GradientMode.off()) {
      NDArray some = images.get(":100");
      NDArray whole = VitForward.logits(model, some, Gates.NONE);
      NDList parts = new NDList();
      for (String batch : List.of("0:1", "1:2", "2:64", "64:100")) {
        parts.add(VitForward.logits(model, some.get(batch), Gates.NONE));
      }
      assertThat(NDArrays.concat(parts, 0).sub(whole).abs().max().getFloat()).isLessThan(1e-5f);
    }
  }

  /** §2, §12 c: the global half is a mean over kept patches, not over all. */
  @Test
  void aPredictorSeesTheMeanOfKeptPatches() {
    try (VitModel model = model();
        GradientMode off = GradientMode.off()) {
      VitForward forward = new VitForward(model, Gates.NONE, (name, value) -> {});
      NDArray x = manager.create(TinyVit.normal(new SplittableRandom(6), 3 * 32, 0, 1));
      x = x.reshape(1, 3, 32);
      NDArray kept = manager.create(new float[] {1, 0, 1}, new Shape(1, 3));
      NDArray alone = NDArrays.concat(new NDList(x.get(":, 0:1"), x.get(":, 2:3")), 1);

      NDArray found = forward.predictor(1, x, kept);
      NDArray ofTwo = NDArrays.concat(new NDList(found.get(":, 0:1"), found.get(":, 2:3")), 1);

      NDArray expected = forward.predictor(1, alone, null);
      assertThat(ofTwo.sub(expected).abs().max().getFloat()).isLessThan(1e-5f);
      NDArray ofAll = forward.predictor(1, x, null);
      assertThat(ofAll.sub(found).abs().max().getFloat()).isGreaterThan(1e-3f);
    }
  }

  // ---- helpers ----

  private static VitModel model() {
    PruningPlan plan = new Stages(List.of(1, 2), 0.5, COUNTS).plan(SHAPE);
    VitWeights weights =
        Uncut.of(
            TrainedTinyVit.weights(),
            plan,
            Predictors.of(TinyVit.weights(plan.uncutArchitecture(), 3)).tensors());
    return VitModel.frozen(TENSORS, weights);
  }

  /** By stage and image, the original places of kept patches. */
  private static List<List<List<Integer>>> kept(VitModel model, NDArray images) {
    List<List<List<Integer>>> stages = new ArrayList<>();
    VitForward.logits(
        model,
        images,
        Gates.NONE,
        (name, value) -> {
          if (name.endsWith(".predictor")) {
            int k = COUNTS.get(stages.size());
            NDArray best = VitForward.odds(value).topK(k, 1, true, true).get(1).sort(1);
            long[] places = best.toLongArray();
            List<List<Integer>> before = stages.isEmpty() ? null : stages.get(stages.size() - 1);
            List<List<Integer>> sets = new ArrayList<>();
            for (int n = 0; n < images.getShape().get(0); n++) {
              int image = n;
              sets.add(
                  IntStream.range(0, k)
                      .map(i -> (int) places[image * k + i])
                      .mapToObj(at -> before == null ? (Integer) at : before.get(image).get(at))
                      .toList());
            }
            stages.add(sets);
          }
        });
    return stages;
  }
}
