package dev.espalier.datasets;

/** Random changes to training images, drawn from (seed, epoch, index of the image). */
public enum Augmentation {
  /** Images as they are. */
  NONE("none") {
    @Override
    Change draw(RandomNumbers random) {
      return new Change(0, 0, false);
    }
  },
  /** Zero padding by 2 pixels and a random crop back to size, then a flip left-right in 1 of 2. */
  CROP_FLIP("crop-flip") {
    @Override
    Change draw(RandomNumbers random) {
      return new Change(
          random.nextInt(2 * PADDING + 1) - PADDING,
          random.nextInt(2 * PADDING + 1) - PADDING,
          random.nextInt(2) == 1);
    }
  };

  private static final int PADDING = 2;
  private static final long PURPOSE = 0x617567L;

  private final String label;

  Augmentation(String label) {
    this.label = label;
  }

  /** The name that specs use. */
  public String label() {
    return label;
  }

  /** The augmentation of that name; an error that lists the names otherwise. */
  public static Augmentation of(String label) {
    for (Augmentation augmentation : values()) {
      if (augmentation.label.equals(label)) {
        return augmentation;
      }
    }
    throw new IllegalArgumentException(
        "expected augmentation \"none\" or \"crop-flip\" but found \"" + label + "\"");
  }

  abstract Change draw(RandomNumbers random);

  /**
   * Where the crop lies in the image and whether it is mirrored.
   *
   * @param down rows by which the crop lies below the image's top, negative above
   * @param right columns, likewise
   */
  record Change(int down, int right, boolean flip) {}

  /** Writes one image to {@code out} from {@code offset}; pixels from outside it are black (0). */
  void copy(
      ImageDataset dataset,
      Split split,
      int index,
      long seed,
      int epoch,
      float[] normalised,
      float[] out,
      int offset) {
    int side = dataset.imageSize();
    byte[] images = split.images();
    int from = Math.multiplyExact(index, dataset.pixels());
    Change change = draw(new RandomNumbers(PURPOSE, seed, epoch, index));
    for (int c = 0; c < dataset.channels(); c++) {
      for (int y = 0; y < side; y++) {
        int sourceY = y + change.down();
        for (int x = 0; x < side; x++) {
          int sourceX = (change.flip() ? side - 1 - x : x) + change.right();
          boolean inside = sourceY >= 0 && sourceY < side && sourceX >= 0 && sourceX < side;
          int value = inside ? images[from + (c * side + sourceY) * side + sourceX] & 0xff : 0;
          out[offset + (c * side + y) * side + x] = normalised[c * 256 + value];
        }
      }
    }
  }
}
