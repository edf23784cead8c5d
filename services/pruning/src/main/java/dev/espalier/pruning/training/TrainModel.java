package dev.espalier.pruning.training;

import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.datasets.Augmentation;
import dev.espalier.datasets.DatasetArtifact;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.PackDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Trains a base model from fresh weights and writes it as safetensors.
 *
 * <p>With {@code --idx DIR} it trains on all images of a directory of IDX files, except those that
 * the dataset of {@code --dataset ZIP} keeps for validation: plans are chosen on these, so the base
 * must not have seen them. Without {@code --idx} it trains on the dataset's own training split. It
 * is stopped and started at will: every epoch ends with a checkpoint beside the output, and {@code
 * --pause-after N} ends the command after N epochs.
 */
public final class TrainModel {

  private static final Map<String, String> DEFAULTS =
      Map.ofEntries(
          Map.entry("dim", "96"),
          Map.entry("depth", "6"),
          Map.entry("heads", "4"),
          Map.entry("mlp", "384"),
          Map.entry("patch", "4"),
          Map.entry("epochs", "5"),
          Map.entry("batch", "128"),
          Map.entry("learning-rate", "1e-3"),
          Map.entry("weight-decay", "0.05"),
          Map.entry("warmup-epochs", "0.5"),
          Map.entry("label-smoothing", "0"),
          Map.entry("clip-norm", "1"),
          Map.entry("augmentation", "none"),
          Map.entry("precision", "fp32"),
          Map.entry("threads", "1"),
          Map.entry("pause-after", "1000000"),
          Map.entry("seed", "0"));

  private final Map<String, String> options;

  private TrainModel(Map<String, String> options) {
    this.options = options;
  }

  /** {@code --dataset ZIP --out FILE [--idx DIR] [--dim D] ... [--epochs N] ...} */
  public static void main(String[] args) throws IOException {
    Map<String, String> options = new HashMap<>(DEFAULTS);
    for (int i = 0; i < args.length; i += 2) {
      String name = args[i].startsWith("--") ? args[i].substring(2) : "";
      boolean known = DEFAULTS.containsKey(name) || Set.of("dataset", "out", "idx").contains(name);
      if (!known || i + 1 == args.length) {
        System.err.println(
            "expected --dataset ZIP --out FILE [--idx DIR] and pairs of "
                + new TreeSet<>(DEFAULTS.keySet())
                + " but found "
                + args[i]);
        System.exit(2);
      }
      options.put(name, args[i + 1]);
    }
    new TrainModel(options).run();
  }

  private void run() throws IOException {
    ImageDataset packed = DatasetArtifact.read(Path.of(options.get("dataset")));
    ImageDataset dataset = options.containsKey("idx") ? widened(packed) : packed;
    TrainingRecipe recipe = recipe();
    Path out = Path.of(options.get("out"));
    Path checkpoint = out.resolveSibling(out.getFileName() + ".checkpoint");
    TensorEngine tensors = TensorEngine.start(EngineSettings.cpu(recipe.threads()));
    VitWeights fresh = VitInitializer.weights(architecture(dataset), recipe.seed());
    System.out.printf("train %s, test %s%n", dataset.train(), dataset.test());
    try (VitEngine engine = VitEngine.fast(tensors, recipe.precision());
        VitModel model = VitModel.trainable(tensors, fresh)) {
      TrainingRun.Builder builder =
          TrainingRun.of(tensors, engine, model, dataset, recipe).observer(new Printer());
      try (TrainingRun run =
          Files.exists(checkpoint)
              ? builder.resume(TrainingCheckpoint.fromBytes(Files.readAllBytes(checkpoint)))
              : builder.start()) {
        int last = run.epoch() + integer("pause-after");
        while (!run.finished()) {
          if (run.epoch() >= last) {
            System.out.println("paused; the same command goes on");
            return;
          }
          int epoch = run.epoch();
          run.run(() -> run.epoch() > epoch);
          replace(checkpoint, run.checkpoint().toBytes());
        }
      }
      Evaluator evaluator = new Evaluator(tensors, engine, 256);
      System.out.println("test " + evaluator.evaluate(model, dataset, dataset.test()));
      System.out.println("packed test " + evaluator.evaluate(model, packed, packed.test()));
      replace(out, ModelFile.write(model.weights()));
      Files.deleteIfExists(checkpoint);
    }
  }

  private static void replace(Path file, byte[] bytes) throws IOException {
    Path whole = file.resolveSibling(file.getFileName() + ".part");
    Files.write(whole, bytes);
    Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** The packed dataset with all of the source's training images but those it validates on. */
  private ImageDataset widened(ImageDataset packed) throws IOException {
    ImageDataset all =
        PackDataset.pack(
            new PackDataset.Request(Path.of(options.get("idx")), packed.name(), 0, 0, 0, 0));
    Set<ByteBuffer> held = images(packed.validation(), packed.pixels());
    ByteArrayOutputStream kept = new ByteArrayOutputStream();
    int[] labels = new int[all.train().size() + all.validation().size()];
    int count = 0;
    for (Split split : new Split[] {all.train(), all.validation()}) {
      for (int i = 0; i < split.size(); i++) {
        ByteBuffer image = ByteBuffer.wrap(split.images(), i * all.pixels(), all.pixels());
        if (!held.contains(image)) {
          kept.write(split.images(), i * all.pixels(), all.pixels());
          labels[count++] = split.labels()[i];
        }
      }
    }
    return new ImageDataset(
        packed.name(),
        packed.channels(),
        packed.imageSize(),
        packed.classes(),
        packed.mean(),
        packed.std(),
        new Split(kept.toByteArray(), Arrays.copyOf(labels, count)),
        packed.validation(),
        all.test());
  }

  private static Set<ByteBuffer> images(Split split, int pixels) {
    Set<ByteBuffer> images = new HashSet<>();
    for (int i = 0; i < split.size(); i++) {
      images.add(ByteBuffer.wrap(split.images(), i * pixels, pixels).slice());
    }
    return images;
  }

  private VitArchitecture architecture(ImageDataset dataset) {
    int d = integer("dim");
    int heads = integer("heads");
    if (d % heads != 0) {
      throw new IllegalArgumentException("dim must be a multiple of heads");
    }
    BlockShape block =
        new BlockShape(AttentionKind.MSA, heads, d / heads, d / heads, integer("mlp"));
    return new VitArchitecture(
        dataset.imageSize(),
        integer("patch"),
        dataset.channels(),
        dataset.classes(),
        1,
        d,
        d / heads,
        1e-6,
        Collections.nCopies(integer("depth"), block));
  }

  private TrainingRecipe recipe() {
    return new TrainingRecipe(
        integer("epochs"),
        integer("batch"),
        number("learning-rate"),
        number("weight-decay"),
        number("warmup-epochs"),
        number("label-smoothing"),
        number("clip-norm"),
        0,
        1,
        Augmentation.of(options.get("augmentation")),
        Precision.valueOf(options.get("precision").toUpperCase(Locale.ROOT)),
        integer("threads"),
        Long.parseLong(options.get("seed")));
  }

  private int integer(String option) {
    return Integer.parseInt(options.get(option));
  }

  private double number(String option) {
    return Double.parseDouble(options.get(option));
  }

  /** A line now and then. */
  private static final class Printer implements TrainingObserver {
    private static final int EVERY = 50;

    @Override
    public void onStep(
        long step, long total, double loss, double rate, double norm, double imagesPerSecond) {
      if (step % EVERY == 0) {
        System.out.printf(
            "step %d/%d loss %.4f lr %.2e norm %.2f %.0f images/s%n",
            step, total, loss, rate, norm, imagesPerSecond);
      }
    }

    @Override
    public void onEpoch(int epoch, Evaluation validation) {
      System.out.printf("epoch %d %s%n", epoch, validation);
    }
  }
}
