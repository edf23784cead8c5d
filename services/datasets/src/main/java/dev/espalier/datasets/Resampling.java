package dev.espalier.datasets;

/**
 * Bilinear resampling whose triangle widens when an image shrinks, as Pillow's and torchvision's
 * antialiased one: no pixel is passed over.
 */
final class Resampling {

  private Resampling() {}

  /** Which sources give a result, and their shares. */
  private record Window(int first, float[] shares) {}

  /**
   * Resizes the shorter side to {@code resize} and cuts the middle square out.
   *
   * @param planes samples 0..255 of each channel, (height, width)
   * @return (channels, side, side), unsigned bytes
   */
  static byte[] shorterSideThenCentre(
      float[][] planes, int width, int height, int resize, int side) {
    int shorter = Math.min(width, height);
    int newWidth = (int) ((long) width * resize / shorter);
    int newHeight = (int) ((long) height * resize / shorter);
    Window[] columns = windows(width, newWidth, (newWidth - side) / 2, side);
    Window[] rows = windows(height, newHeight, (newHeight - side) / 2, side);
    byte[] out = new byte[planes.length * side * side];
    for (int c = 0; c < planes.length; c++) {
      float[] narrow = new float[height * side];
      for (int y = rows[0].first(); y < end(rows[side - 1]); y++) {
        for (int x = 0; x < side; x++) {
          float sum = 0;
          for (int k = 0; k < columns[x].shares().length; k++) {
            sum += columns[x].shares()[k] * planes[c][y * width + columns[x].first() + k];
          }
          narrow[y * side + x] = sum;
        }
      }
      for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
          float sum = 0;
          for (int k = 0; k < rows[y].shares().length; k++) {
            sum += rows[y].shares()[k] * narrow[(rows[y].first() + k) * side + x];
          }
          out[(c * side + y) * side + x] = (byte) Math.max(0, Math.min(255, Math.round(sum)));
        }
      }
    }
    return out;
  }

  private static int end(Window window) {
    return window.first() + window.shares().length;
  }

  /** Windows of results {@code offset} to {@code offset + count - 1} of {@code to}. */
  private static Window[] windows(int from, int to, int offset, int count) {
    double scale = (double) from / to;
    double stretch = Math.max(scale, 1);
    Window[] windows = new Window[count];
    for (int i = 0; i < count; i++) {
      double centre = scale * (offset + i + 0.5);
      int first = Math.max(0, (int) (centre - stretch + 0.5));
      int end = Math.min(from, Math.max(first + 1, (int) (centre + stretch + 0.5)));
      float[] shares = new float[end - first];
      double sum = 0;
      for (int k = 0; k < shares.length; k++) {
        double share = Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / stretch));
        shares[k] = (float) share;
        sum += share;
      }
      for (int k = 0; k < shares.length; k++) {
        shares[k] = sum > 0 ? (float) (shares[k] / sum) : 1f / shares.length;
      }
      windows[i] = new Window(first, shares);
    }
    return windows;
  }
}
