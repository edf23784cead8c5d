package dev.espalier.artifacts.pretrained;

import dev.espalier.architecture.weights.Tensor;

/**
 * Position embeddings for another image size: the grid of patches is resampled as an image with d
 * channels, bicubic with a = -0.5 and a support that widens when it shrinks, as timm's {@code
 * resample_abs_pos_embed} and PyTorch's {@code interpolate(mode="bicubic", antialias=True)} do. The
 * prefix tokens' positions stay.
 */
final class PositionGrid {

  private static final double A = -0.5;
  private static final double SUPPORT = 2;

  private PositionGrid() {}

  /**
   * @param positions (1, E + from * from, d)
   * @param prefix number of prefix tokens, E
   * @return (1, E + to * to, d)
   */
  static Tensor resample(Tensor positions, int prefix, int from, int to) {
    int d = positions.shape()[2];
    double[][] weights = weights(from, to);
    float[] in = positions.values();
    double[] rows = new double[to * from * d]; // (to, from, d): y is resampled
    for (int y = 0; y < to; y++) {
      for (int source = 0; source < from; source++) {
        double weight = weights[y][source];
        if (weight != 0) {
          for (int i = 0; i < from * d; i++) {
            rows[y * from * d + i] += weight * in[(prefix + source * from) * d + i];
          }
        }
      }
    }
    float[] out = new float[(prefix + to * to) * d];
    System.arraycopy(in, 0, out, 0, prefix * d);
    for (int y = 0; y < to; y++) {
      for (int x = 0; x < to; x++) {
        for (int c = 0; c < d; c++) {
          double sum = 0;
          for (int source = 0; source < from; source++) {
            sum += weights[x][source] * rows[(y * from + source) * d + c];
          }
          out[(prefix + y * to + x) * d + c] = (float) sum;
        }
      }
    }
    return new Tensor(new int[] {1, prefix + to * to, d}, out);
  }

  /** Share of each of {@code from} sources in each of {@code to} results; rows sum to 1. */
  private static double[][] weights(int from, int to) {
    double scale = (double) from / to;
    double stretch = Math.max(scale, 1);
    double[][] weights = new double[to][from];
    for (int i = 0; i < to; i++) {
      double center = scale * (i + 0.5);
      int first = Math.max(0, (int) (center - SUPPORT * stretch + 0.5));
      int end = Math.min(from, (int) (center + SUPPORT * stretch + 0.5));
      double sum = 0;
      for (int source = first; source < end; source++) {
        weights[i][source] = cubic((source - center + 0.5) / stretch);
        sum += weights[i][source];
      }
      for (int source = first; source < end; source++) {
        weights[i][source] /= sum;
      }
    }
    return weights;
  }

  /** Keys' cubic convolution kernel. */
  private static double cubic(double distance) {
    double x = Math.abs(distance);
    if (x < 1) {
      return ((A + 2) * x - (A + 3)) * x * x + 1;
    }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * A : 0;
  }
}
