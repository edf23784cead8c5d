package dev.espalier.evaluator.stage;

import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.evaluation.KeptPatches;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What a model with fewer tokens keeps of a few real images, for the report to draw. */
final class KeptPatchesRecord {

  private static final int IMAGES = 3;

  /** Longest side of a picture, pixels; larger images are thinned out. */
  private static final int SIDE = 112;

  private KeptPatchesRecord() {}

  /**
   * The record's entry {@code keptPatches}, with the first test images of different classes; empty
   * where no block drops tokens.
   *
   * <p>{@code pixels} are bytes (C, side, side) in base64; {@code grid} is patches a side; {@code
   * stages} has for each block that drops tokens the patches that are left of each image.
   */
  static Map<String, Object> of(TensorEngine tensors, VitModel model, ImageDataset dataset) {
    Split test = dataset.test();
    int[] shown = ofDifferentClasses(test);
    List<KeptPatches.Stage> stages = KeptPatches.of(tensors, model, dataset, test, shown);
    if (stages.isEmpty()) {
      return Map.of();
    }
    int thinning = (dataset.imageSize() + SIDE - 1) / SIDE;
    List<Object> images = new ArrayList<>();
    for (int index : shown) {
      images.add(
          Map.of("label", test.labels()[index], "pixels", pixels(dataset, test, index, thinning)));
    }
    List<Object> drops = new ArrayList<>();
    for (KeptPatches.Stage stage : stages) {
      drops.add(Map.of("block", stage.block(), "kept", stage.kept()));
    }
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("side", (dataset.imageSize() + thinning - 1) / thinning);
    entry.put("channels", dataset.channels());
    entry.put("grid", dataset.imageSize() / model.architecture().patchSize());
    entry.put("images", images);
    entry.put("stages", drops);
    return Map.of("keptPatches", entry);
  }

  private static int[] ofDifferentClasses(Split test) {
    Set<Integer> classes = new TreeSet<>();
    List<Integer> shown = new ArrayList<>();
    for (int i = 0; i < test.size() && shown.size() < IMAGES; i++) {
      if (classes.add(test.labels()[i])) {
        shown.add(i);
      }
    }
    return shown.stream().mapToInt(Integer::intValue).toArray();
  }

  private static String pixels(ImageDataset dataset, Split test, int index, int thinning) {
    int S = dataset.imageSize();
    int side = (S + thinning - 1) / thinning;
    byte[] pixels = new byte[dataset.channels() * side * side];
    for (int at = 0; at < pixels.length; at++) {
      int c = at / (side * side);
      int y = at / side % side * thinning;
      int x = at % side * thinning;
      pixels[at] = test.images()[index * dataset.pixels() + (c * S + y) * S + x];
    }
    return Base64.getEncoder().encodeToString(pixels);
  }
}
