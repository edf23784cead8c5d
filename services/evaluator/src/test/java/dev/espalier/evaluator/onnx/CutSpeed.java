package dev.espalier.evaluator.onnx;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.TokenStages;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.DjlContender;
import dev.espalier.pruning.evaluation.SpeedComparison;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.UniformWidths;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;

/**
 * What a cut gains in speed, in DJL and ONNX Runtime, base and cut in turns ({@code design.md}
 * §13): half of the MACs by width, and DynamicViT at a keep rate of 0.5 a stage. Speed does not
 * depend on what the weights are, so nothing is trained.
 *
 * <p>{@code CutSpeed [dim=192] [depth=12] [heads=3] [batch=64] [runs=30] [threads=1]}
 */
public final class CutSpeed {

  private static final double KEEP = 0.5;
  private static final int STAGES = 3;

  private CutSpeed() {}

  public static void main(String[] arguments) throws Exception {
    int dim = option(arguments, "dim", 192);
    int depth = option(arguments, "depth", 12);
    int batch = option(arguments, "batch", 64);
    int runs = option(arguments, "runs", 30);
    VitArchitecture base =
        VitArchitecture.uniform(28, 4, 1, 10, dim, depth, option(arguments, "heads", 3), 4 * dim);
    VitWeights weights = VitInitializer.weights(base, 1);
    VitWeights narrow =
        Cut.apply(
            weights,
            UniformWidths.plan(
                PlanRequest.of(
                    base, Importance.none(base), Optional.empty(), TargetKind.MACS, KEEP, 8)));
    List<Integer> places = TokenStages.places(depth, STAGES);
    VitWeights dynamic =
        VitInitializer.weights(
            TokenStages.shape(
                base, places, TokenStages.patches(base.patches(), KEEP, places.size(), 1)),
            1);
    TensorEngine tensors = TensorEngine.start(EngineSettings.cpu(option(arguments, "threads", 1)));
    try (VitEngine engine = VitEngine.fast(tensors, Precision.FP32)) {
      compare("width", tensors, engine, weights, narrow, batch, runs);
      compare("dynamicvit", tensors, engine, weights, dynamic, batch, runs);
    }
  }

  private static void compare(
      String what,
      TensorEngine tensors,
      VitEngine engine,
      VitWeights base,
      VitWeights cut,
      int batch,
      int runs)
      throws Exception {
    ImageDataset images = noise(batch);
    try (VitModel whole = VitModel.frozen(tensors, base);
        VitModel small = VitModel.frozen(tensors, cut);
        OnnxModel onnxWhole = new OnnxModel(base, tensors.threads());
        OnnxModel onnxSmall = new OnnxModel(cut, tensors.threads())) {
      List<SpeedComparison> speeds =
          SpeedComparison.measure(
              List.of(
                  new SpeedComparison.Pair(
                      new DjlContender(tensors, engine, whole),
                      new DjlContender(tensors, engine, small)),
                  new SpeedComparison.Pair(onnxWhole, onnxSmall)),
              images,
              images.test(),
              batch,
              runs,
              () -> {});
      double kept =
          Cost.of(cut.architecture()).keepRatio(Cost.of(base.architecture()), TargetKind.MACS);
      for (int i = 0; i < speeds.size(); i++) {
        SpeedComparison speed = speeds.get(i);
        System.out.printf(
            Locale.ROOT,
            "%-10s %-12s MACs %.3f  batch %d: %.1f -> %.1f images/s, %.2fx  one image: %.2fx%n",
            what,
            i == 0 ? "DJL" : "ONNX Runtime",
            kept,
            batch,
            speed.baseThroughput(),
            speed.cutThroughput(),
            speed.speedupThroughput(),
            speed.speedupBatch1());
      }
    }
  }

  private static ImageDataset noise(int count) {
    byte[] pixels = new byte[count * 28 * 28];
    new Random(1).nextBytes(pixels);
    Split split = new Split(pixels, new int[count]);
    List<Double> half = List.of(0.5);
    return new ImageDataset("noise", 1, 28, 10, half, half, split, split, split);
  }

  private static int option(String[] arguments, String name, int otherwise) {
    for (String argument : arguments) {
      if (argument.startsWith(name + "=")) {
        return Integer.parseInt(argument.substring(name.length() + 1));
      }
    }
    return otherwise;
  }
}
