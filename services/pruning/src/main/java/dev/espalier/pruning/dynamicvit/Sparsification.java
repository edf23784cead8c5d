package dev.espalier.pruning.dynamicvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.TrainingHook;
import dev.espalier.pruning.training.TrainingRun;
import java.util.Map;
import java.util.TreeMap;

/**
 * DynamicViT inside a training: samples which patches stay, takes the four losses, and gives
 * predictors and backbone their learning rates.
 */
final class Sparsification implements TrainingHook {

  private final DynamicVitSettings settings;
  private final Stages stages;
  private final long seed;
  private Map<String, Double> seen = Map.of();

  Sparsification(DynamicVitSettings settings, Stages stages, long seed) {
    this.settings = settings;
    this.stages = stages;
    this.seed = seed;
  }

  @Override
  public double backward(TrainingRun run, Batch batch) {
    NDArray images = batch.images();
    SparsePass teacher;
    try (GradientMode off = GradientMode.off()) {
      teacher = SparsePass.dense(run.teacher().orElseThrow(), images);
    }
    long B = images.getShape().get(0);
    int patches = run.model().architecture().patches();
    Shape shape = new Shape(stages.blocks().size(), B, patches, 2);
    NDArray noise = Decision.noise(images.getManager(), seed, run.steps(), shape);
    try (GradientMode recording = GradientMode.recording()) {
      SparsePass student = SparsePass.of(run.model(), images, noise, SparsePass.EPSILON);
      Losses losses =
          Losses.of(student, teacher, batch.labels(), stages.keepRates(), settings.weights());
      NDArray total = losses.total();
      TensorEngine.backward(total);
      look(student, losses);
      return total.getFloat();
    }
  }

  private void look(SparsePass student, Losses losses) {
    Map<String, Double> values = new TreeMap<>();
    values.put("classification_loss", (double) losses.classification().getFloat());
    values.put("divergence_loss", (double) losses.divergence().getFloat());
    values.put("distillation_loss", (double) losses.distillation().getFloat());
    values.put("ratio_loss", (double) losses.ratio().getFloat());
    for (int s = 0; s < student.decisions().size(); s++) {
      float kept = student.decisions().get(s).mean().getFloat();
      values.put("kept_share_stage_" + (s + 1), (double) kept);
    }
    seen = values;
  }

  /** Losses and kept shares of the last batch. */
  Map<String, Double> seen() {
    return seen;
  }

  /**
   * Predictors learn at the scheduled rate, the backbone at a share of it. While it is frozen its
   * moments run on. Tokens and positions never train.
   */
  @Override
  public double learningRate(TrainingRun run, String parameter, double scheduled) {
    if (parameter.contains(".predictor.")) {
      return scheduled;
    }
    if (parameter.endsWith("_token") || parameter.equals("pos_embed")) {
      return -1;
    }
    return run.epoch() < settings.frozenEpochs() ? 0 : settings.backboneShare() * scheduled;
  }
}
