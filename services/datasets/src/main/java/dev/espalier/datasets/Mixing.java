package dev.espalier.datasets;

import java.util.Arrays;

/**
 * What is done to a batch beyond each image's own augmentation, as DeiT trains.
 *
 * @param mixup alpha of mixup (Zhang et al., 2018): images and labels are blended in shares drawn
 *     from Beta(alpha, alpha); 0 for none
 * @param cutmix alpha of CutMix (Yun et al., 2019): a box of one image is put into another, labels
 *     by area; 0 for none. With both, each batch takes one of them at random
 * @param erasing probability that a box of an image is replaced by the mean (random erasing, Zhong
 *     et al., 2020)
 */
public record Mixing(double mixup, double cutmix, double erasing) {

  /** Batches as they are. */
  public static final Mixing NONE = new Mixing(0, 0, 0);

  private static final long PURPOSE = 0x6d6978L;
  private static final long ERASING = 0x657261L;
  private static final int TRIES = 10;
  private static final double LEAST_AREA = 0.02;
  private static final double MOST_AREA = 1 / 3.0;
  private static final double LEAST_ASPECT = 0.3;

  public Mixing {
    require(mixup >= 0 && mixup <= 10, "mixup", "in [0, 10]", mixup);
    require(cutmix >= 0 && cutmix <= 10, "cutmix", "in [0, 10]", cutmix);
    require(erasing >= 0 && erasing <= 1, "erasing", "in [0, 1]", erasing);
  }

  private static void require(boolean holds, String field, String expected, double found) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s must be %s but is %s".formatted(field, expected, found));
    }
  }

  /** Whether labels become shares of classes. */
  public boolean mixesLabels() {
    return mixup > 0 || cutmix > 0;
  }

  /**
   * Erases boxes of images, each drawn from (seed, epoch, index of the image).
   *
   * @param pixels normalised, (B, C, S, S); changed in place
   */
  public void erase(float[] pixels, int[] indices, int channels, int side, long seed, int epoch) {
    for (int b = 0; b < indices.length && erasing > 0; b++) {
      RandomNumbers random = new RandomNumbers(ERASING, seed, epoch, indices[b]);
      if (random.nextDouble() < erasing) {
        erase(pixels, b * channels * side * side, channels, side, random);
      }
    }
  }

  private static void erase(
      float[] pixels, int from, int channels, int side, RandomNumbers random) {
    for (int attempt = 0; attempt < TRIES; attempt++) {
      double area = (LEAST_AREA + random.nextDouble() * (MOST_AREA - LEAST_AREA)) * side * side;
      double spread =
          -2 * StrictMath.log(LEAST_ASPECT) * random.nextDouble() + StrictMath.log(LEAST_ASPECT);
      double aspect = StrictMath.exp(spread);
      int height = (int) Math.round(Math.sqrt(area * aspect));
      int width = (int) Math.round(Math.sqrt(area / aspect));
      if (height < 1 || width < 1 || height >= side || width >= side) {
        continue;
      }
      int top = random.nextInt(side - height + 1);
      int left = random.nextInt(side - width + 1);
      for (int c = 0; c < channels; c++) {
        for (int y = top; y < top + height; y++) {
          int row = from + (c * side + y) * side;
          Arrays.fill(pixels, row + left, row + left + width, 0f);
        }
      }
      return;
    }
  }

  /**
   * Blends each image of a batch with its mirror image in the batch's order, by what is drawn from
   * (seed, epoch, number of the batch): the same on every machine and after every resume.
   *
   * @param pixels normalised, (B, C, S, S); changed in place
   * @param labels class of each image, (B)
   * @return share of each class, (B, classes) row-major, rows sum to 1
   */
  public float[] mix(
      float[] pixels,
      int[] labels,
      int classes,
      int channels,
      int side,
      long seed,
      int epoch,
      int batch) {
    RandomNumbers random = new RandomNumbers(PURPOSE, seed, epoch, batch);
    boolean cuts = cutmix > 0 && (mixup == 0 || random.nextInt(2) == 1);
    double share = random.nextBeta(cuts ? cutmix : mixup);
    int image = channels * side * side;
    float[] from = pixels.clone();
    if (cuts) {
      share = cut(pixels, from, labels.length, image, side, share, random);
    } else {
      for (int i = 0; i < pixels.length; i++) {
        int other = (labels.length - 1 - i / image) * image + i % image;
        pixels[i] = (float) (share * from[i] + (1 - share) * from[other]);
      }
    }
    float[] shares = new float[labels.length * classes];
    for (int b = 0; b < labels.length; b++) {
      shares[b * classes + labels[b]] += (float) share;
      shares[b * classes + labels[labels.length - 1 - b]] += (float) (1 - share);
    }
    return shares;
  }

  /** Puts a box of the other image into each; what is left of the image's own area. */
  private static double cut(
      float[] pixels,
      float[] from,
      int images,
      int image,
      int side,
      double share,
      RandomNumbers random) {
    double half = Math.sqrt(1 - share) * side / 2;
    int centreY = random.nextInt(side);
    int centreX = random.nextInt(side);
    int top = (int) Math.max(0, centreY - half);
    int bottom = (int) Math.min(side, centreY + half);
    int left = (int) Math.max(0, centreX - half);
    int right = (int) Math.min(side, centreX + half);
    for (int b = 0; b < images; b++) {
      int other = (images - 1 - b) * image;
      for (int plane = 0; plane < image; plane += side * side) {
        for (int y = top; y < bottom; y++) {
          int row = plane + y * side;
          System.arraycopy(from, other + row + left, pixels, b * image + row + left, right - left);
        }
      }
    }
    return 1 - (double) (bottom - top) * (right - left) / (side * side);
  }
}
