package dev.espalier.datasets;

import java.util.Arrays;
import java.util.List;

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
  },
  /** As {@link #CROP_FLIP}, then two of {@link RandAugment}'s operations. */
  RAND_AUGMENT("rand-augment") {
    @Override
    Change draw(RandomNumbers random) {
      return CROP_FLIP.draw(random);
    }

    @Override
    void change(Pixels image, RandomNumbers random) {
      RandAugment.apply(image, random);
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

  private static final List<String> LABELS =
      Arrays.stream(values()).map(Augmentation::label).toList();

  /** The augmentation of that name; an error that lists the names otherwise. */
  public static Augmentation of(String label) {
    for (Augmentation augmentation : values()) {
      if (augmentation.label.equals(label)) {
        return augmentation;
      }
    }
    throw new IllegalArgumentException(
        "expected augmentation one of %s but found \"%s\""
            .formatted(String.join(", ", LABELS), label));
  }

  abstract Change draw(RandomNumbers random);

  /** What happens to the pixels themselves; nothing where it is not overridden. */
  void change(Pixels image, RandomNumbers random) {}

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
    RandomNumbers random = new RandomNumbers(PURPOSE, seed, epoch, index);
    Change change = draw(random);
    Pixels image = new Pixels(dataset.channels(), side, images, from);
    change(image, random);
    for (int c = 0; c < dataset.channels(); c++) {
      for (int y = 0; y < side; y++) {
        int sourceY = y + change.down();
        for (int x = 0; x < side; x++) {
          int sourceX = (change.flip() ? side - 1 - x : x) + change.right();
          boolean inside = sourceY >= 0 && sourceY < side && sourceX >= 0 && sourceX < side;
          int value = inside ? image.at((c * side + sourceY) * side + sourceX) : 0;
          out[offset + (c * side + y) * side + x] = normalised[c * 256 + value];
        }
      }
    }
  }
}
