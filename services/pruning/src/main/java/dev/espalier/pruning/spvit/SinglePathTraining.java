package dev.espalier.pruning.spvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.engine.ReferenceVitEngine;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.HostArrays;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.TrainingHook;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.VitModel;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * SPViT's search inside a training: weights, gates, mixing and norms learn together from {@code CE
 * + lambda ((F - Ftarget) / Fbase)^2}. The penalty's gradient is added by hand: it follows from the
 * gates alone.
 */
final class SinglePathTraining implements TrainingHook {

  private static final String SUM = "spvit.sum/";

  private final Supernet supernet;
  private final SpVitSettings settings;
  private final Complexity complexity;
  private final long seed;
  private final int depth;

  /** Sums of the gates' probabilities over the updates of the last epoch, by parameter. */
  private final Map<String, float[]> sums = new LinkedHashMap<>();

  SinglePathTraining(VitArchitecture vit, Supernet supernet, SpVitSettings settings, long seed) {
    this.supernet = supernet;
    this.settings = settings;
    this.complexity = new Complexity(vit, settings.targetKind());
    this.seed = seed;
    this.depth = vit.depth();
    supernet
        .parameters()
        .forEach(
            (name, array) -> {
              if (Supernet.isGate(name)) {
                sums.put(name, new float[Math.toIntExact(array.size())]);
              }
            });
  }

  @Override
  public Map<String, NDArray> parameters() {
    return supernet.parameters();
  }

  @Override
  public double backward(TrainingRun run, Batch batch) {
    NDManager step = batch.images().getManager();
    try (GradientMode recording = GradientMode.recording()) {
      Supernet.Drawn gates = supernet.sampled(step, seed, run.steps(), settings.temperature());
      NDArray logits =
          supernet.logits(run.model(), batch.images(), gates, BatchNorm.MOMENTUM); // (B, classes)
      NDArray loss = ReferenceVitEngine.crossEntropy(logits, batch.labels(), 0);
      TensorEngine.backward(loss);
      double over = keepRatio() - settings.keepRatio();
      return loss.getFloat() + settings.penalty() * over * over;
    }
  }

  /** The model under the gates as decided so far, with running statistics. */
  @Override
  public NDArray logits(TrainingRun run, NDArray images) {
    try (GradientMode off = GradientMode.off()) {
      return supernet.logits(run.model(), images, supernet.decided(images.getManager()), 0);
    }
  }

  @Override
  public void afterBackward(TrainingRun run) {
    double[][] operator = logits("operator");
    double[][] hidden = logits("hidden");
    double over = complexity.keepRatio(operator, hidden) - settings.keepRatio();
    double factor = 2 * settings.penalty() * over;
    add(run.model(), "operator", factor, complexity.operatorSlopes(operator));
    add(run.model(), "hidden", factor, complexity.hiddenSlopes(hidden));
  }

  private void add(VitModel model, String gates, double factor, double[][] slopes) {
    try (NDManager scratch = model.manager().newSubManager();
        GradientMode off = GradientMode.off()) {
      for (int l = 0; l < slopes.length; l++) {
        float[] push = new float[slopes[l].length];
        for (int i = 0; i < push.length; i++) {
          push[i] = (float) (factor * slopes[l][i]);
        }
        NDArray gradient = supernet.parameters().get(name(l, gates)).getGradient();
        gradient.attach(scratch);
        gradient.addi(scratch.create(push));
      }
    }
  }

  @Override
  public double learningRate(TrainingRun run, String parameter, double scheduled) {
    return Supernet.isGate(parameter) ? settings.gateLearningRate() : scheduled;
  }

  @Override
  public void afterStep(TrainingRun run) {
    long last = run.totalSteps() - run.totalSteps() / run.recipe().epochs();
    if (run.steps() <= last) {
      return;
    }
    Map<String, NDArray> parameters = supernet.parameters();
    sums.forEach(
        (name, sum) -> {
          float[] t = HostArrays.floats(parameters.get(name));
          for (int i = 0; i < sum.length; i++) {
            sum[i] += (float) Complexity.probability(t[i]);
          }
        });
  }

  @Override
  public Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    supernet.statistics().forEach((name, array) -> state.put(name, VitModel.host(array)));
    sums.forEach(
        (name, sum) -> state.put(SUM + name, new Tensor(new int[] {sum.length}, sum.clone())));
    return state;
  }

  @Override
  public void restore(Map<String, Tensor> state) {
    supernet.statistics().forEach((name, array) -> VitModel.assign(array, remembered(state, name)));
    sums.forEach(
        (name, sum) ->
            System.arraycopy(remembered(state, SUM + name).values(), 0, sum, 0, sum.length));
  }

  private static Tensor remembered(Map<String, Tensor> state, String name) {
    Tensor tensor = state.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("the checkpoint is not of this method's search");
    }
    return tensor;
  }

  /** Cost at the gates as decided so far, as a share of the base's. */
  double keepRatio() {
    return complexity.keepRatio(logits("operator"), logits("hidden"));
  }

  /** Probabilities now, (L, gates). */
  double[][] probabilities(String gates) {
    double[][] p = logits(gates);
    for (double[] block : p) {
      for (int i = 0; i < block.length; i++) {
        block[i] = Complexity.probability(block[i]);
      }
    }
    return p;
  }

  /** Probabilities averaged over the last epoch, (L, gates). */
  float[][] averages(String gates, long updates) {
    float[][] averages = new float[depth][];
    for (int l = 0; l < depth; l++) {
      averages[l] = sums.get(name(l, gates)).clone();
      for (int i = 0; i < averages[l].length; i++) {
        averages[l][i] /= updates;
      }
    }
    return averages;
  }

  private double[][] logits(String gates) {
    Map<String, NDArray> parameters = supernet.parameters();
    double[][] logits = new double[depth][];
    for (int l = 0; l < depth; l++) {
      float[] t = HostArrays.floats(parameters.get(name(l, gates)));
      logits[l] = new double[t.length];
      for (int i = 0; i < t.length; i++) {
        logits[l][i] = t[i];
      }
    }
    return logits;
  }

  private static String name(int l, String gates) {
    return "spvit." + l + "." + gates;
  }

  Supernet supernet() {
    return supernet;
  }
}
