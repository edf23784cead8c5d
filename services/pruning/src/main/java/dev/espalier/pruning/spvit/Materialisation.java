package dev.espalier.pruning.spvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.EpochOrder;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes convolutions of what a search found: batch norms see training images under the chosen
 * operators and take their statistics from them, then go into the kernels ({@code methods/spvit.md}
 * §7, §9).
 */
final class Materialisation {

  private static final int CALIBRATION_EPOCH = Integer.MAX_VALUE;

  private final SearchRequest.Images images;
  private final SpVitSettings settings;

  Materialisation(SearchRequest.Images images, SpVitSettings settings) {
    this.images = images;
    this.settings = settings;
  }

  /**
   * Both convolutions of every block, by kind and name as in {@link Findings}.
   *
   * @param weights that the cut is made from
   * @param values of the search model, {@link Supernet#values}
   * @param plan the chosen operators and units
   */
  Map<String, Tensor> convolutions(
      VitWeights weights, Map<String, Tensor> values, PruningPlan plan) {
    Map<String, Tensor> calibrated;
    try (VitModel model = VitModel.frozen(images.tensors(), weights)) {
      Supernet supernet = new Supernet(weights.architecture(), false, model.manager());
      supernet.set(values);
      calibrate(model, supernet, plan);
      calibrated = supernet.values();
    }
    Map<String, Tensor> convolutions = new LinkedHashMap<>();
    for (int l = 0; l < plan.blocks().size(); l++) {
      Kernels kernels =
          new Kernels(weights, l, Kernels.shares(calibrated.get("spvit." + l + ".mixing")));
      for (AttentionKind kind : List.of(AttentionKind.CONV1, AttentionKind.CONV3)) {
        String prefix = "spvit." + l + "." + kind.text() + ".";
        Map<String, Tensor> norm = new LinkedHashMap<>();
        for (String part : List.of("gamma", "beta", "mean", "variance")) {
          norm.put(part, calibrated.get(prefix + part));
        }
        kernels.of(kind, norm).forEach((n, t) -> convolutions.put(kind.text() + "/" + n, t));
      }
    }
    return convolutions;
  }

  /** Batch i enters the running statistics with weight 1 / i: they end as plain means. */
  void calibrate(VitModel model, Supernet supernet, PruningPlan plan) {
    ImageDataset dataset = images.dataset();
    int[] order =
        EpochOrder.of(dataset.train().size(), settings.recipe().seed(), CALIBRATION_EPOCH);
    int size = Math.min(settings.recipe().batchSize(), order.length);
    int batches = Math.min(settings.calibrationBatches(), order.length / size);
    for (int i = 0; i < batches; i++) {
      int[] indices = Arrays.copyOfRange(order, i * size, (i + 1) * size);
      try (NDManager step = images.tensors().newManager();
          GradientMode off = GradientMode.off()) {
        int side = dataset.imageSize();
        NDArray batch =
            step.create(
                dataset.batch(dataset.train(), indices),
                new Shape(size, dataset.channels(), side, side));
        supernet.logits(model, batch, chosen(plan, step), 1.0 / (i + 1));
      }
    }
  }

  /** The plan as gates of the search model. */
  static Supernet.Drawn chosen(PruningPlan plan, NDManager step) {
    List<NDArray> operator = new ArrayList<>();
    List<NDArray> hidden = new ArrayList<>();
    for (int l = 0; l < plan.blocks().size(); l++) {
      BlockPlan block = plan.blocks().get(l);
      float[] open = new float[plan.base().blocks().get(l).mlpHidden()];
      block.mlp().forEach(unit -> open[unit] = 1);
      operator.add(Supernet.choosing(block.attention(), step));
      hidden.add(step.create(open));
    }
    return new Supernet.Drawn(operator, hidden);
  }
}
