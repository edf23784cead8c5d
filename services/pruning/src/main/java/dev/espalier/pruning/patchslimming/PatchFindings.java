package dev.espalier.pruning.patchslimming;

import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.json.JsonObject;
import dev.espalier.architecture.vit.VitArchitecture;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a search hands to the plan, as JSON: for each block but the last {@code patches} that it
 * lets out, the {@code scores} of all tokens, and the reconstruction {@code error} that was
 * accepted.
 *
 * @param patches by block, the last included
 * @param scores (T) by block but the last
 * @param errors by block but the last
 */
record PatchFindings(int[] patches, List<double[]> scores, List<Double> errors) {

  private static final String FORMAT = "espalier.patch-slimming/1";

  byte[] toBytes() {
    List<Object> blocks = new ArrayList<>();
    for (int l = 0; l < patches.length; l++) {
      Map<String, Object> block = new LinkedHashMap<>();
      block.put("patches", patches[l]);
      if (l < scores.size()) {
        List<Object> numbers = new ArrayList<>();
        for (double score : scores.get(l)) {
          numbers.add(score);
        }
        block.put("scores", numbers);
        block.put("error", errors.get(l));
      }
      blocks.add(block);
    }
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("format", FORMAT);
    tree.put("blocks", blocks);
    return Json.canonical(tree).getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Reads {@link #toBytes}.
   *
   * @throws IllegalArgumentException where the findings are of another base
   */
  static PatchFindings fromBytes(VitArchitecture base, byte[] bytes) {
    JsonObject tree = Json.parseObject(new String(bytes, StandardCharsets.UTF_8));
    if (!FORMAT.equals(tree.text("format"))) {
      throw new IllegalArgumentException(
          "findings must be %s but are %s".formatted(FORMAT, tree.text("format")));
    }
    List<JsonObject> blocks = tree.objects("blocks");
    if (blocks.size() != base.depth()) {
      throw new IllegalArgumentException(
          "findings need %d blocks but have %d".formatted(base.depth(), blocks.size()));
    }
    int[] patches = new int[blocks.size()];
    List<double[]> scores = new ArrayList<>();
    List<Double> errors = new ArrayList<>();
    for (int l = 0; l < patches.length; l++) {
      patches[l] = blocks.get(l).count("patches");
      if (l + 1 < patches.length) {
        double[] numbers =
            blocks.get(l).array("scores").stream()
                .mapToDouble(number -> ((Number) number).doubleValue())
                .toArray();
        if (numbers.length != base.tokens()) {
          throw new IllegalArgumentException(
              "findings need %d scores of block %d but have %d"
                  .formatted(base.tokens(), l, numbers.length));
        }
        scores.add(numbers);
        errors.add(blocks.get(l).number("error"));
      }
    }
    return new PatchFindings(patches, scores, errors);
  }
}
