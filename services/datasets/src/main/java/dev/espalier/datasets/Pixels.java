package dev.espalier.datasets;

import java.util.function.IntUnaryOperator;

/** One image of bytes, (C, S, S), that is changed in place. */
final class Pixels {

  private static final int GREY = 128;

  private final int channels;
  private final int side;
  private final int[] values;

  Pixels(int channels, int side, byte[] images, int from) {
    this.channels = channels;
    this.side = side;
    this.values = new int[channels * side * side];
    for (int i = 0; i < values.length; i++) {
      values[i] = images[from + i] & 0xff;
    }
  }

  int side() {
    return side;
  }

  int at(int index) {
    return values[index];
  }

  /** Every value by itself; what leaves 0..255 is cut. */
  void map(IntUnaryOperator change) {
    int[] table = new int[256];
    for (int value = 0; value < 256; value++) {
      table[value] = clip(change.applyAsInt(value));
    }
    for (int i = 0; i < values.length; i++) {
      values[i] = table[values[i]];
    }
  }

  private static int clip(int value) {
    return Math.max(0, Math.min(255, value));
  }

  /** Each channel to the whole range. */
  void stretch() {
    int plane = side * side;
    for (int c = 0; c < channels; c++) {
      int low = 255;
      int high = 0;
      for (int i = c * plane; i < (c + 1) * plane; i++) {
        low = Math.min(low, values[i]);
        high = Math.max(high, values[i]);
      }
      for (int i = c * plane; i < (c + 1) * plane && high > low; i++) {
        values[i] = clip(Math.round(255f * (values[i] - low) / (high - low)));
      }
    }
  }

  /** Each channel to an even histogram, as PIL does it. */
  void equalize() {
    int plane = side * side;
    for (int c = 0; c < channels; c++) {
      int[] histogram = new int[256];
      for (int i = c * plane; i < (c + 1) * plane; i++) {
        histogram[values[i]]++;
      }
      int last = 255;
      while (histogram[last] == 0) {
        last--;
      }
      int step = (plane - histogram[last]) / 255;
      if (step == 0) {
        continue;
      }
      int[] table = new int[256];
      int sum = step / 2;
      for (int value = 0; value < 256; value++) {
        table[value] = Math.min(255, sum / step);
        sum += histogram[value];
      }
      for (int i = c * plane; i < (c + 1) * plane; i++) {
        values[i] = table[values[i]];
      }
    }
  }

  /** Mean brightness. */
  int mean() {
    long sum = 0;
    for (int i = 0; i < side * side; i++) {
      sum += brightness(i);
    }
    return (int) Math.round((double) sum / (side * side));
  }

  private int brightness(int place) {
    int plane = side * side;
    return channels == 1
        ? values[place]
        : (299 * values[place] + 587 * values[plane + place] + 114 * values[2 * plane + place])
            / 1000;
  }

  /** Away from grey, or towards it below 1; grey images stay. */
  void saturate(double factor) {
    int plane = side * side;
    for (int i = 0; i < plane && channels == 3; i++) {
      int grey = brightness(i);
      for (int c = 0; c < 3; c++) {
        int at = c * plane + i;
        values[at] = clip((int) Math.round(grey + factor * (values[at] - grey)));
      }
    }
  }

  /** Away from a blurred image, or towards it below 1; the border stays. */
  void sharpen(double factor) {
    int[] from = values.clone();
    for (int c = 0; c < channels; c++) {
      for (int y = 1; y < side - 1; y++) {
        for (int x = 1; x < side - 1; x++) {
          int at = (c * side + y) * side + x;
          int sum = 4 * from[at];
          for (int dy = -1; dy <= 1; dy++) {
            for (int dx = -1; dx <= 1; dx++) {
              sum += from[at + dy * side + dx];
            }
          }
          double blurred = sum / 13.0; // PIL's kernel: ones around a five
          values[at] = clip((int) Math.round(blurred + factor * (from[at] - blurred)));
        }
      }
    }
  }

  static double[] rotation(double degrees) {
    double sine = StrictMath.sin(StrictMath.toRadians(degrees));
    double cosine = StrictMath.cos(StrictMath.toRadians(degrees));
    return new double[] {cosine, -sine, 0, sine, cosine, 0};
  }

  /**
   * Each pixel from where the map sends it, around the centre, nearest neighbour; grey from
   * outside.
   *
   * @param map of (x, y): {a, b, right, c, d, down}
   */
  void affine(double... map) {
    int[] from = values.clone();
    double centre = (side - 1) / 2.0;
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        double dx = x - centre;
        double dy = y - centre;
        long sourceX = Math.round(map[0] * dx + map[1] * dy + map[2] + centre);
        long sourceY = Math.round(map[3] * dx + map[4] * dy + map[5] + centre);
        boolean inside = sourceX >= 0 && sourceX < side && sourceY >= 0 && sourceY < side;
        for (int c = 0; c < channels; c++) {
          values[(c * side + y) * side + x] =
              inside ? from[(c * side + (int) sourceY) * side + (int) sourceX] : GREY;
        }
      }
    }
  }
}
