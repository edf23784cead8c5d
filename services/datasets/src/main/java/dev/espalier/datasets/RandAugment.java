package dev.espalier.datasets;

import java.util.List;

/**
 * RandAugment (Cubuk et al., 2020, arXiv 1909.13719): two operations out of fifteen, drawn anew for
 * each image, at magnitude 9 of 10 with timm's spread of 0.5, each left out in half of the cases;
 * ranges are those of timm's {@code rand-m9-mstd0.5-inc1}, where a larger magnitude changes more.
 *
 * <p>Images are bytes, (C, S, S); what comes from outside is mid-grey.
 */
final class RandAugment {

  private static final int OPERATIONS = 2;
  private static final double MAGNITUDE = 9;
  private static final double SPREAD = 0.5;
  private static final double MOST = 10;
  private static final int GREY = 128;

  /** What may happen to an image, at a level in [0, 1]. */
  interface Operation {
    void apply(Pixels image, double level, RandomNumbers random);
  }

  static final List<Operation> ALL =
      List.of(
          (image, level, random) -> image.stretch(), // auto-contrast
          (image, level, random) -> image.equalize(),
          (image, level, random) -> image.map(value -> 255 - value), // invert
          (image, level, random) -> image.affine(Pixels.rotation(30 * signed(level, random))),
          (image, level, random) -> {
            int bits = 4 - (int) (level * 4); // posterize
            image.map(value -> value & -(1 << (8 - bits)) & 0xff);
          },
          (image, level, random) -> {
            int from = 256 - (int) (level * 256); // solarize
            image.map(value -> value < from ? value : 255 - value);
          },
          (image, level, random) -> {
            int more = (int) (level * 110); // solarize-add
            image.map(value -> value < GREY ? Math.min(255, value + more) : value);
          },
          (image, level, random) -> image.saturate(factor(level, random)),
          (image, level, random) -> {
            int mean = image.mean(); // contrast
            double factor = factor(level, random);
            image.map(value -> (int) Math.round(mean + factor * (value - mean)));
          },
          (image, level, random) -> {
            double factor = factor(level, random); // brightness
            image.map(value -> (int) Math.round(factor * value));
          },
          (image, level, random) -> image.sharpen(factor(level, random)),
          (image, level, random) -> image.affine(1, 0.3 * signed(level, random), 0, 0, 1, 0),
          (image, level, random) -> image.affine(1, 0, 0, 0.3 * signed(level, random), 1, 0),
          (image, level, random) ->
              image.affine(1, 0, 0.45 * signed(level, random) * image.side(), 0, 1, 0),
          (image, level, random) ->
              image.affine(1, 0, 0, 0, 1, 0.45 * signed(level, random) * image.side()));

  private RandAugment() {}

  /** Changes an image in place. */
  static void apply(Pixels image, RandomNumbers random) {
    for (int i = 0; i < OPERATIONS; i++) {
      Operation operation = ALL.get(random.nextInt(ALL.size()));
      if (random.nextInt(2) == 0) {
        continue;
      }
      double magnitude = MAGNITUDE + SPREAD * random.nextGaussian();
      operation.apply(image, Math.max(0, Math.min(1, magnitude / MOST)), random);
    }
  }

  private static double signed(double level, RandomNumbers random) {
    return random.nextInt(2) == 0 ? level : -level;
  }

  /** Of colour, contrast, brightness and sharpness: 1 changes nothing, 0.1 to 1.9. */
  private static double factor(double level, RandomNumbers random) {
    return Math.max(0.1, 1 + 0.9 * signed(level, random));
  }
}
