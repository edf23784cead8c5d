package dev.espalier.scheduler.report;

import java.util.Base64;
import java.util.List;

/**
 * The patches that a configuration's model still works on, of a few test images.
 *
 * @param side of a picture, pixels
 * @param channels 1 or 3
 * @param grid patches a side
 * @param stages one for each block that drops tokens
 */
public record KeptPatches(
    String cellId, int side, int channels, int grid, List<Picture> images, List<Stage> stages) {

  /**
   * A test image.
   *
   * @param pixels 0..255, (C, side, side), in base64
   */
  public record Picture(int label, String pixels) {}

  /**
   * What a block lets through.
   *
   * @param kept for each image the patches that are left, row by row from 0
   */
  public record Stage(int block, List<List<Integer>> kept) {}

  public KeptPatches {
    images = List.copyOf(images);
    stages = List.copyOf(stages);
    require(channels == 1 || channels == 3, "channels", "1 or 3", channels);
    require(side >= 1 && side <= 1024, "side", "1..1024", side);
    require(grid >= 1 && grid <= side, "grid", "1..side", grid);
    for (Picture image : images) {
      int found = Base64.getDecoder().decode(image.pixels()).length;
      require(found == channels * side * side, "pixels", channels * side * side + " bytes", found);
    }
    for (Stage stage : stages) {
      require(stage.kept().size() == images.size(), "kept", "a list an image", stage.kept().size());
      for (List<Integer> kept : stage.kept()) {
        require(kept.stream().allMatch(p -> p >= 0 && p < grid * grid), "kept", "patches", kept);
      }
    }
  }

  private static void require(boolean holds, String field, String expected, Object found) {
    if (!holds) {
      throw new IllegalArgumentException(
          "keptPatches.%s must be %s but is %s".formatted(field, expected, found));
    }
  }
}
