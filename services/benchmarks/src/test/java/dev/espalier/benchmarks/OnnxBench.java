package dev.espalier.benchmarks;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.DjlContender;
import dev.espalier.pruning.evaluation.SpeedComparison;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.List;
import java.util.Locale;

/**
 * ONNX Runtime against DJL, and a model of 50 % of the MACs against its base in both: all four in
 * turns in one run, so that the ratios hold on a machine that does other things too. It is run with
 * {@code mvn test -pl services/benchmarks -am -Dtest=OnnxBenchTest -Dtest.jvm="-Xmx1g
 * -Despalier.bench=true" -Dsurefire.failIfNoSpecifiedTests=false}, or with the test class path of
 * this module.
 */
public final class OnnxBench {

  private OnnxBench() {}

  /**
   * {@code --dim 192 --depth 12 --heads 3 --batch 64 --threads 1 --runs 30 --image 28 --patch 4}
   */
  public static void main(String[] words) {
    Arguments given = Arguments.of(words);
    int image = given.integer("image", 28);
    int patch = given.integer("patch", 4);
    int dim = given.integer("dim", 192);
    int depth = given.integer("depth", 12);
    int heads = given.integer("heads", 3);
    int batch = given.integer("batch", 64);
    int threads = given.integer("threads", 1);
    int runs = given.integer("runs", 30);
    given.refuseRest();
    VitArchitecture vit = VitArchitecture.uniform(image, patch, 1, 10, dim, depth, heads, 4 * dim);
    VitWeights base = VitInitializer.weights(vit, 0);
    VitWeights half = PrunedBench.half(base);
    List<SpeedComparison> speeds = measure(base, half, batch, threads, runs);
    SpeedComparison djl = speeds.get(0);
    SpeedComparison onnx = speeds.get(1);
    print("d %d x %d, %d tokens, %d thread(s), %d runs", dim, depth, vit.tokens(), threads, runs);
    print(
        "half: %.1f %% of the MACs",
        100 * Cost.of(half.architecture()).keepRatio(Cost.of(vit), TargetKind.MACS));
    print(
        "base, batch 1: ONNX Runtime %.2f ms, DJL %.2f ms, ratio %.2f",
        onnx.baseBatch1().p50Ms(),
        djl.baseBatch1().p50Ms(),
        djl.baseBatch1().p50Ms() / onnx.baseBatch1().p50Ms());
    print(
        "base, batch %d: ONNX Runtime %.2f ms, DJL %.2f ms, ratio %.2f",
        batch,
        onnx.baseBatch().p50Ms(),
        djl.baseBatch().p50Ms(),
        djl.baseBatch().p50Ms() / onnx.baseBatch().p50Ms());
    print(
        "half against base in ONNX Runtime: batch 1 %.2f, batch %d %.2f",
        onnx.speedupBatch1(), batch, onnx.speedupThroughput());
    print(
        "half against base in DJL: batch 1 %.2f, batch %d %.2f",
        djl.speedupBatch1(), batch, djl.speedupThroughput());
  }

  static List<SpeedComparison> measure(
      VitWeights base, VitWeights half, int batch, int threads, int runs) {
    TensorEngine tensors = TensorEngine.start(EngineSettings.cpu(threads));
    ImageDataset images = PrunedBench.noise(base.architecture());
    try (VitEngine engine = VitEngine.fast(tensors, Precision.FP32);
        VitModel baseModel = VitModel.frozen(tensors, base);
        VitModel halfModel = VitModel.frozen(tensors, half);
        OnnxContender onnxBase = new OnnxContender(base, threads);
        OnnxContender onnxHalf = new OnnxContender(half, threads)) {
      return SpeedComparison.measure(
          List.of(
              new SpeedComparison.Pair(
                  new DjlContender(tensors, engine, baseModel),
                  new DjlContender(tensors, engine, halfModel)),
              new SpeedComparison.Pair(onnxBase, onnxHalf)),
          images,
          images.test(),
          batch,
          runs,
          () -> {});
    }
  }

  private static void print(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }
}
