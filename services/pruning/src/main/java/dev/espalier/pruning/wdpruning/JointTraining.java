package dev.espalier.pruning.wdpruning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.engine.ReferenceVitEngine;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.TrainingHook;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * WDPruning's one training ({@code methods/wdpruning.md} §2-4): weights, scores, thresholds and
 * classifiers learn together from
 *
 * <pre>
 * L = CE(head) + w sum_c CE(classifier_c) + lambda1 (R - Rt) + lambda2 (R - Rt)^2
 * </pre>
 *
 * while both multipliers climb. Class token and position table are left alone.
 */
final class JointTraining implements TrainingHook {

  private static final Set<String> FROZEN = Set.of("cls_token", "dist_token", "pos_embed");
  private static final String MULTIPLIERS = "wdpruning.multipliers";

  private final VitArchitecture vit;
  private final WidthMasks masks;
  private final Classifiers classifiers;
  private final double classifierWeight;
  private final Remaining remaining;
  private final double target;
  private final double prunerRate;
  private final Multipliers multipliers;
  private final Map<String, NDArray> parameters = new LinkedHashMap<>();
  private double taskSlope;
  private double budgetSlope;

  /**
   * A training to come.
   *
   * @param target share of the blocks' matrices that may remain, Rt
   * @param prunerRate highest learning rate of scores and thresholds
   */
  JointTraining(
      VitArchitecture vit,
      WidthMasks masks,
      Classifiers classifiers,
      double classifierWeight,
      double target,
      double prunerRate,
      Multipliers multipliers) {
    this.vit = vit;
    this.masks = masks;
    this.classifiers = classifiers;
    this.classifierWeight = classifierWeight;
    this.remaining = new Remaining(vit);
    this.target = target;
    this.prunerRate = prunerRate;
    this.multipliers = multipliers;
    parameters.putAll(masks.parameters());
    parameters.putAll(classifiers.parameters());
  }

  @Override
  public Map<String, NDArray> parameters() {
    return parameters;
  }

  @Override
  public double backward(TrainingRun run, Batch batch) {
    try (GradientMode recording = GradientMode.recording()) {
      NDManager step = batch.images().getManager();
      Gates gates = masks.gates(step, true);
      VitForward forward = new VitForward(run.model(), gates, (name, value) -> {});
      NDArray weight = step.full(new Shape(), (float) classifierWeight);
      NDArray loss = step.zeros(new Shape());
      NDArray x = forward.embed(batch.images()); // (B, T, d)
      for (int l = 0; l < vit.depth(); l++) {
        x = forward.block(l, x);
        if (classifiers.isBehind(l + 1)) {
          NDArray scores = classifiers.scores(l + 1, x); // (B, classes)
          NDArray own = ReferenceVitEngine.crossEntropy(scores, batch.labels(), 0);
          loss = loss.add(own.mul(weight));
        }
      }
      NDArray scores = forward.scores(forward.finish(x)); // (B, classes)
      loss = loss.add(ReferenceVitEngine.crossEntropy(scores, batch.labels(), 0));
      TensorEngine.backward(loss);
      return loss.getFloat() + multipliers.penalty(remaining(), target);
    }
  }

  /** The masked model's. */
  @Override
  public NDArray logits(TrainingRun run, NDArray images) {
    try (GradientMode off = GradientMode.off()) {
      Gates gates = masks.gates(images.getManager(), false);
      return run.engine().logits(run.model(), images, gates);
    }
  }

  /** The budget's part of the thresholds' gradient, and the multipliers' step up. */
  @Override
  public void afterBackward(TrainingRun run) {
    double[][] betas = masks.betas();
    double left = remaining.of(betas);
    double slope = multipliers.slope(left, target);
    float[] add = new float[betas.length * Sublayer.COUNT];
    double[][] gradient = remaining.gradient(betas);
    for (int i = 0; i < add.length; i++) {
      add[i] = (float) (slope * gradient[i / Sublayer.COUNT][i % Sublayer.COUNT]);
    }
    try (NDManager scratch = run.model().manager().newSubManager();
        GradientMode off = GradientMode.off()) {
      NDArray thresholds = masks.thresholds().getGradient();
      thresholds.attach(scratch);
      taskSlope = thresholds.norm().getFloat();
      NDArray budget = scratch.create(add, thresholds.getShape());
      budgetSlope = budget.norm().getFloat();
      thresholds.addi(budget);
    }
    multipliers.ascend(left, target, schedule(run));
  }

  /** The cosine of the backbone's rate, as a share of its peak. */
  private static double schedule(TrainingRun run) {
    double progress = (double) run.steps() / run.totalSteps();
    return (1 + StrictMath.cos(Math.PI * progress)) / 2;
  }

  @Override
  public double learningRate(TrainingRun run, String parameter, double scheduled) {
    if (FROZEN.contains(parameter)) {
      return -1;
    }
    boolean prunes = masks.parameters().containsKey(parameter);
    return prunes ? prunerRate * scheduled / run.recipe().learningRate() : scheduled;
  }

  @Override
  public Map<String, Tensor> state() {
    return Map.of(MULTIPLIERS, multipliers.state());
  }

  @Override
  public void restore(Map<String, Tensor> state) {
    Tensor climbed = state.get(MULTIPLIERS);
    if (climbed == null) {
      throw new IllegalArgumentException("the checkpoint is not of this method's search");
    }
    multipliers.restore(climbed);
  }

  /** R now. */
  double remaining() {
    return remaining.of(masks.betas());
  }

  double target() {
    return target;
  }

  /** How far the layers' kept shares lie apart: the largest less the smallest. */
  double keptShareSpread() {
    double least = 1;
    double most = 0;
    for (double[] block : masks.betas()) {
      for (double beta : block) {
        least = Math.min(least, Threshold.keptShare(beta));
        most = Math.max(most, Threshold.keptShare(beta));
      }
    }
    return most - least;
  }

  double[] multipliers() {
    return multipliers.values();
  }

  /** Norms of the loss's and the budget's gradient to the thresholds at the last update. */
  double[] thresholdSlopes() {
    return new double[] {taskSlope, budgetSlope};
  }

  Findings findings(Map<Integer, Double> accuracies) {
    return new Findings(masks.betas(), masks.hostScores(), accuracies, classifiers.tensors());
  }

  WidthMasks masks() {
    return masks;
  }

  Classifiers classifiers() {
    return classifiers;
  }
}
