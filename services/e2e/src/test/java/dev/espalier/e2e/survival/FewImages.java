package dev.espalier.e2e.survival;

import dev.espalier.datasets.DatasetArtifact;
import dev.espalier.datasets.ImageDataset;
import java.nio.file.Files;
import java.nio.file.Path;

/** A part of the shipped images, and the shipped small base that goes with them. */
final class FewImages {

  static final String DATASET = "fashion-mnist-few";
  static final String MODEL = "fashion-vit-48x4";

  private static final int TRAIN = 1_600;
  private static final int VALIDATION = 200;
  private static final int TEST = 400;

  private FewImages() {}

  /** Registers both under these names. */
  static void register(Installation espalier, Path directory) throws Exception {
    Path shipped = Installation.root().resolve("services/standalone/src/main/resources");
    Path few = directory.resolve("few.zip");
    ImageDataset all = DatasetArtifact.read(shipped.resolve("datasets/fashion-mnist-subset.zip"));
    Files.write(
        few,
        DatasetArtifact.write(
            new ImageDataset(
                "few",
                all.channels(),
                all.imageSize(),
                all.classes(),
                all.mean(),
                all.std(),
                all.train().slice(0, TRAIN),
                all.validation().slice(0, VALIDATION),
                all.test().slice(0, TEST))));
    espalier.register("/datasets/" + DATASET, few);
    espalier.register("/models/" + MODEL, shipped.resolve("models/" + MODEL + ".safetensors"));
  }
}
