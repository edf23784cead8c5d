package dev.espalier.pruning.patchslimming;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.patchslimming.PatchSlimmingSettings.Criterion;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.DivergedException;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Scores of tokens and errors of masks, over the calibration images. */
final class Measures {

  private final TensorEngine tensors;
  private final Calibration calibration;
  private final PatchSlimmingSettings settings;

  Measures(TensorEngine tensors, Calibration calibration, PatchSlimmingSettings settings) {
    this.tensors = tensors;
    this.calibration = calibration;
    this.settings = settings;
  }

  /**
   * Scores of the tokens that block l may let out, (T), mean over images. Blocks behind l use their
   * masks, block l and those before it all tokens.
   *
   * @param weights of the whole model, as trained so far; up to block l the unpruned ones
   */
  double[] scores(int l, TokenSets sets, Map<String, Tensor> weights, Criterion criterion) {
    int T = sets.base().tokens();
    double[] sum = new double[T];
    if (criterion == Criterion.RANDOM) {
      SplittableRandom random = new SplittableRandom(settings.seed());
      for (int t = 0; t < T; t++) {
        sum[t] = random.nextDouble();
      }
      return sum;
    }
    List<Integer> all = IntStream.range(0, T).boxed().toList();
    try (VitModel model = VitModel.frozen(tensors, new VitWeights(sets.shape(), weights));
        GradientMode off = GradientMode.off()) {
      for (int b = 0; b < calibration.batches(); b++) {
        try (NDManager batch = tensors.newManager()) {
          NDArray entered = calibration.features(batch, l - 1, calibration.batch(b), all);
          double[] scores = of(model, l, entered, criterion).toDoubleArray(); // (B, T)
          for (int i = 0; i < scores.length; i++) {
            sum[i % T] += scores[i];
          }
        }
      }
    }
    for (int t = 0; t < T; t++) {
      sum[t] /= calibration.size();
      if (!Double.isFinite(sum[t])) {
        throw new DivergedException("a token's score at block " + l, sum[t]);
      }
    }
    return sum;
  }

  /**
   * Scores image by image.
   *
   * @param entered what comes to block l, (B, T, d)
   * @return (B, T), float64
   */
  static NDArray of(VitModel model, int l, NDArray entered, Criterion criterion) {
    Map<String, NDArray> seen = new HashMap<>();
    VitForward forward = new VitForward(model, Gates.NONE, seen::put);
    int last =
        criterion == Criterion.PATHS || criterion == Criterion.AVERAGED
            ? model.architecture().depth() - 1
            : l;
    NDArray x = entered;
    for (int block = l; block <= last; block++) {
      x = forward.block(block, x);
    }
    NDArray own = seen.get("blocks." + l + ".attention"); // (B, H, T, T)
    return switch (criterion) {
      case PATHS, AVERAGED -> {
        boolean averaged = criterion == Criterion.AVERAGED;
        List<NDArray> behind =
            IntStream.rangeClosed(l + 1, last)
                .mapToObj(block -> seen.get("blocks." + block + ".attention"))
                .map(attention -> averaged ? PatchScores.averaged(attention) : attention)
                .toList();
        NDArray carried = PatchScores.carried(averaged ? PatchScores.averaged(own) : own, entered);
        yield PatchScores.reach(behind).mul(carried);
      }
      case CLS_ATTENTION ->
          own.get(":, :, 0").toType(DataType.FLOAT64, false).mean(new int[] {1}); // (B, T)
      case NORM -> {
        NDArray z = seen.get("blocks." + l).toType(DataType.FLOAT64, false); // (B, T, d)
        yield z.mul(z).sum(new int[] {2}).sqrt();
      }
      case RANDOM -> throw new IllegalArgumentException("random scores follow from the seed");
    };
  }

  /** E of a mask of block l with those weights; over the features' mean square where relative. */
  double error(int l, TokenSets sets, Map<String, Tensor> weights) {
    try (BlockPair pair = new BlockPair(tensors, calibration, weights, sets, l)) {
      return scaled(l, sets, pair.error());
    }
  }

  /** An error as tolerances count it. */
  double scaled(int l, TokenSets sets, double error) {
    double scaled =
        settings.relative()
            ? error / calibration.meanSquare(l + 1, sets.leaving().get(l + 1))
            : error;
    if (!Double.isFinite(scaled)) {
      throw new DivergedException("the reconstruction error at block " + l, scaled);
    }
    return scaled;
  }
}
