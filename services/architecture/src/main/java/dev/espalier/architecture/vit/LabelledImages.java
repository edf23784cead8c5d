package dev.espalier.architecture.vit;

/**
 * What a model takes and a dataset holds: square images of one shape, each of one class. A dataset
 * serves a model that has the same.
 *
 * @param size side, pixels
 */
public record LabelledImages(int channels, int size, int classes) {

  /** What that model takes, and tells apart. */
  public static LabelledImages of(VitArchitecture model) {
    return new LabelledImages(model.channels(), model.imageSize(), model.classes());
  }

  @Override
  public String toString() {
    return "images of %s, %d x %d, in %s"
        .formatted(
            channels == 1 ? "1 channel" : channels + " channels",
            size,
            size,
            classes == 1 ? "1 class" : classes + " classes");
  }
}
