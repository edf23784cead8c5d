package dev.espalier.benchmarks;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.PruningMethods;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.DeviceName;
import dev.espalier.pruning.evaluation.DjlContender;
import dev.espalier.pruning.evaluation.SpeedComparison;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;

/**
 * What 50 % of the MACs by widths, and DynamicViT's keep rate of 0.5, buy in time on a device: each
 * against its base in turns, measured as the evaluator measures. The figures are independent of the
 * weights, which are fresh.
 */
public final class PrunedBench {

  private static final double RHO = 0.5;

  private PrunedBench() {}

  /**
   * {@code --device cpu --precision fp32 --dim 192 --depth 12 --heads 3 --image 28 --patch 4
   * --batch 64 --threads 1 --runs 30}
   */
  public static void main(String[] words) {
    Arguments given = Arguments.of(words);
    String device = given.text("device", "cpu");
    Precision precision =
        Precision.valueOf(given.text("precision", "fp32").toUpperCase(Locale.ROOT));
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
    VitWeights half = half(base);
    VitWeights dynamic = VitInitializer.weights(dynamic(vit), 0);
    TensorEngine tensors = TensorEngine.start(EngineSettings.of(device, threads));
    List<SpeedComparison> speeds;
    try (VitEngine engine = VitEngine.fast(tensors, precision);
        VitModel baseModel = VitModel.frozen(tensors, base);
        VitModel halfModel = VitModel.frozen(tensors, half);
        VitModel dynamicModel = VitModel.frozen(tensors, dynamic)) {
      DjlContender whole = new DjlContender(tensors, engine, baseModel);
      speeds =
          SpeedComparison.measure(
              List.of(
                  new SpeedComparison.Pair(whole, new DjlContender(tensors, engine, halfModel)),
                  new SpeedComparison.Pair(whole, new DjlContender(tensors, engine, dynamicModel))),
              noise(vit),
              noise(vit).test(),
              batch,
              runs,
              () -> {});
    }
    print(
        "%s, %s, d %d x %d, %d tokens, batch %d",
        DeviceName.of(device), precision, dim, depth, vit.tokens(), batch);
    print("half the MACs", vit, half.architecture(), speeds.get(0));
    print("dynamicvit 0.5", vit, dynamic.architecture(), speeds.get(1));
  }

  /**
   * Predictors in front of blocks 3, 6, 9 of 12, each of which keeps half the patches that come.
   */
  static VitArchitecture dynamic(VitArchitecture vit) {
    List<BlockShape> blocks = new ArrayList<>(vit.blocks());
    double kept = vit.patches();
    for (int stage = 1; stage <= 3; stage++) {
      int block = vit.depth() * stage / 4;
      kept *= RHO;
      blocks.set(block, blocks.get(block).with(new TokenRule.Select((int) Math.max(1, kept))));
    }
    return new VitArchitecture(
        vit.imageSize(),
        vit.patchSize(),
        vit.channels(),
        vit.classes(),
        vit.prefixTokens(),
        vit.embedding(),
        vit.scaleWidth(),
        vit.layerNormEpsilon(),
        blocks);
  }

  /** Widths alone, evenly over the blocks, in multiples of 8. */
  static VitWeights half(VitWeights base) {
    PruningMethod magnitude = PruningMethods.get("magnitude");
    try (Search search =
        magnitude.search(SearchRequest.of(base, magnitude.descriptor().defaults(), 0))) {
      while (!search.finished()) {
        search.step();
      }
      PruningPlan plan =
          magnitude.plan(
              PlanRequest.of(
                  base.architecture(),
                  search.result().importance(),
                  Optional.empty(),
                  TargetKind.MACS,
                  0.5,
                  8));
      return Cut.apply(base, plan);
    }
  }

  static ImageDataset noise(VitArchitecture vit) {
    byte[] pixels = new byte[64 * vit.imageSize() * vit.imageSize()];
    new Random(1).nextBytes(pixels);
    Split split = new Split(pixels, new int[64]);
    return new ImageDataset(
        "noise",
        1,
        vit.imageSize(),
        vit.classes(),
        List.of(0.5),
        List.of(0.5),
        split,
        split,
        split);
  }

  private static void print(
      String what, VitArchitecture base, VitArchitecture cut, SpeedComparison speed) {
    print(
        "%s: %.1f %% of the MACs; batch 1: %.2f -> %.2f ms (x %.2f); batch %d: %.0f -> %.0f"
            + " images/s (x %.2f)",
        what,
        100 * Cost.of(cut).keepRatio(Cost.of(base), TargetKind.MACS),
        speed.baseBatch1().p50Ms(),
        speed.cutBatch1().p50Ms(),
        speed.speedupBatch1(),
        speed.batchSize(),
        speed.baseThroughput(),
        speed.cutThroughput(),
        speed.speedupThroughput());
  }

  private static void print(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }
}
