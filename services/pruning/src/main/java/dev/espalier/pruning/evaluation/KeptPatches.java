package dev.espalier.pruning.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The patches of real images that a model with fewer tokens still works on, block by block.
 *
 * <p>Where the rule is static, all images keep the same patches; where a predictor chooses
 * (DynamicViT), its scores are read on the way of the model's own forward pass.
 */
public final class KeptPatches {

  private KeptPatches() {}

  /**
   * What a block lets through.
   *
   * @param block from 0
   * @param kept for each image the patches that are left, ascending, row by row from 0
   */
  public record Stage(int block, List<List<Integer>> kept) {}

  /**
   * Follows images through a model.
   *
   * @param images places in {@code split}
   * @return one entry for each block that drops tokens; empty where none does
   */
  public static List<Stage> of(
      TensorEngine tensors, VitModel model, ImageDataset dataset, Split split, int[] images) {
    VitArchitecture vit = model.architecture();
    if (vit.blocks().stream().allMatch(block -> block.tokens().equals(TokenRule.ALL))) {
      return List.of();
    }
    Map<String, float[]> keepScores = new HashMap<>();
    try (NDManager step = tensors.newManager();
        GradientMode off = GradientMode.off()) {
      NDArray batch = TestImages.load(step, dataset, split, images); // (B, C, S, S)
      VitForward.logits(
          model,
          batch,
          Gates.NONE,
          (name, value) -> {
            if (name.endsWith(".predictor")) { // (B, N, 2): kept, dropped
              keepScores.put(name, VitForward.odds(value).toFloatArray());
            }
          });
    }
    List<List<Integer>> kept = new ArrayList<>();
    for (int i = 0; i < images.length; i++) {
      kept.add(IntStream.range(0, vit.patches()).boxed().toList());
    }
    List<Stage> stages = new ArrayList<>();
    for (int l = 0; l < vit.depth(); l++) {
      TokenRule rule = vit.blocks().get(l).tokens();
      if (rule.equals(TokenRule.ALL)) {
        continue;
      }
      float[] scores = keepScores.get("blocks." + l + ".predictor");
      for (int i = 0; i < images.length; i++) {
        kept.set(i, left(rule, kept.get(i), scores, i, vit.prefixTokens()));
      }
      stages.add(new Stage(l, List.copyOf(kept)));
    }
    return stages;
  }

  private static List<Integer> left(
      TokenRule rule, List<Integer> arriving, float[] scores, int image, int prefixTokens) {
    if (rule instanceof TokenRule.Enter enter) {
      return patches(enter.positions(), prefixTokens);
    } else if (rule instanceof TokenRule.Leave leave) {
      return patches(leave.positions(), prefixTokens);
    } else if (rule instanceof TokenRule.Select select) {
      int first = image * arriving.size();
      return IntStream.range(0, arriving.size())
          .boxed()
          .sorted((a, b) -> Float.compare(scores[first + b], scores[first + a]))
          .limit(select.patches())
          .sorted()
          .map(arriving::get)
          .toList();
    }
    return arriving;
  }

  private static List<Integer> patches(List<Integer> positions, int prefixTokens) {
    return positions.stream().filter(p -> p >= prefixTokens).map(p -> p - prefixTokens).toList();
  }
}
