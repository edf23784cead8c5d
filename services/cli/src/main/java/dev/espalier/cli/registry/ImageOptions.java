package dev.espalier.cli.registry;

import dev.espalier.cli.BadInput;
import dev.espalier.datasets.ImageFolders;
import dev.espalier.datasets.PackDataset;
import java.util.Arrays;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How image files become pixels of one size. */
final class ImageOptions {

  /** Resize 256 before a crop of 224, as ImageNet is evaluated. */
  private static final double USUAL_CROP = 0.875;

  private static final double[][] IMAGENET = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};

  /** Of the names timm and torchvision give them; {@code inception} is what most ViTs saw. */
  enum Normalisation {
    data,
    imagenet,
    inception
  }

  @Option(
      names = "--image-size",
      paramLabel = "N",
      defaultValue = "224",
      description = "Side of the images that are cut out of image files. Default: 224.")
  private int imageSize;

  @Option(
      names = "--resize",
      paramLabel = "N",
      description = "Shorter side of an image file before the cut. Default: image size / 0.875.")
  private Integer resize;

  @Option(
      names = "--channels",
      paramLabel = "N",
      defaultValue = "3",
      description = "3, or 1 for the luminance of image files. Default: 3.")
  private int channels;

  @Option(
      names = "--broken",
      paramLabel = "refuse|skip",
      defaultValue = "refuse",
      description = "What becomes of broken image files; skipped ones are named. Default: refuse.")
  private ImageFolders.Broken broken;

  @Option(
      names = "--normalise",
      paramLabel = "data|imagenet|inception",
      defaultValue = "data",
      description = {
        "Mean and deviation: the training images' own, ImageNet's, or 0.5 and 0.5, with which",
        "timm's and Google's ViTs were trained. A checkpoint wants its own. Default: data."
      })
  private Normalisation normalisation;

  ImageFolders.Request request(PackDataset.Request counts) {
    if (channels != 1 && channels != 3) {
      throw new BadInput("--channels", "1 or 3", String.valueOf(channels));
    }
    if (normalisation == Normalisation.imagenet && channels != 3) {
      throw new BadInput("--normalise", "data or inception for images of one channel", "imagenet");
    }
    return new ImageFolders.Request(
        counts,
        imageSize,
        resize == null ? (int) Math.round(imageSize / USUAL_CROP) : resize,
        channels,
        broken,
        moments());
  }

  private Optional<double[][]> moments() {
    double[] half = new double[channels];
    Arrays.fill(half, 0.5);
    return switch (normalisation) {
      case data -> Optional.empty();
      case imagenet -> Optional.of(IMAGENET);
      case inception -> Optional.of(new double[][] {half, half});
    };
  }
}
