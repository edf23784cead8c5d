package dev.espalier.sweep.spec;

import java.util.Map;
import java.util.TreeMap;

/**
 * How accuracy is recovered after the cut; the same for every method of a sweep, so that methods
 * are compared and not recipes.
 *
 * @param epochs passes over the training images
 * @param batchSize images per update
 * @param learningRate of AdamW after warm-up, falling along a cosine
 * @param weightDecay decoupled, on matrices only
 * @param warmupEpochs linear rise of the learning rate, may be a fraction
 * @param labelSmoothing in [0, 1)
 * @param clipNorm bound on the global gradient norm; 0: none
 * @param distillationWeight coefficient of KL(teacher || student), batch mean, teacher = base; 0:
 *     no distillation
 * @param distillationTemperature divides both logits
 * @param augmentation "none", "crop-flip" or "rand-augment"
 * @param precision "fp32" or "bf16"
 * @param threads of one training; part of the identity, since it changes results bitwise
 * @param mixup alpha of mixup, in [0, 10]; 0: none
 * @param cutmix alpha of CutMix, in [0, 10]; 0: none
 * @param erasing probability that a box of an image is erased, in [0, 1]
 * @param device "cpu" or "cuda": where searches, trainings and evaluations run
 */
public record Recipe(
    int epochs,
    int batchSize,
    double learningRate,
    double weightDecay,
    double warmupEpochs,
    double labelSmoothing,
    double clipNorm,
    double distillationWeight,
    double distillationTemperature,
    String augmentation,
    String precision,
    int threads,
    double mixup,
    double cutmix,
    double erasing,
    String device) {

  /** What holds where a sweep says nothing. */
  public static final Recipe DEFAULTS =
      new Recipe(
          3, 64, 5e-4, 0.05, 0.0, 0.0, 1.0, 9.0, 3.0, "crop-flip", "fp32", 1, 0, 0, 0, "cpu");

  /** The tree form, by the names of the fields. */
  public Map<String, Object> toTree() {
    Map<String, Object> tree = new TreeMap<>();
    tree.put("epochs", epochs);
    tree.put("batchSize", batchSize);
    tree.put("learningRate", learningRate);
    tree.put("weightDecay", weightDecay);
    tree.put("warmupEpochs", warmupEpochs);
    tree.put("labelSmoothing", labelSmoothing);
    tree.put("clipNorm", clipNorm);
    tree.put("distillationWeight", distillationWeight);
    tree.put("distillationTemperature", distillationTemperature);
    tree.put("augmentation", augmentation);
    tree.put("precision", precision);
    tree.put("threads", threads);
    // Left out otherwise, so that sweeps and stages from before keep their names.
    putUnlessZero(tree, "mixup", mixup);
    putUnlessZero(tree, "cutmix", cutmix);
    putUnlessZero(tree, "erasing", erasing);
    if (!device.equals(DEFAULTS.device)) {
      tree.put("device", device);
    }
    return tree;
  }

  private static void putUnlessZero(Map<String, Object> tree, String name, double value) {
    if (value != 0) {
      tree.put(name, value);
    }
  }
}
