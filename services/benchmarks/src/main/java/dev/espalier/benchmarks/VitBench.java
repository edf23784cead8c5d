package dev.espalier.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.engine.AdamW;
import dev.espalier.pruning.engine.AdamWSettings;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/** Throughput of our engine on one uniform ViT, measured as {@code vit_torch_bench.py} does. */
final class VitBench {

  /** What one step is. */
  enum Mode {
    /** Forward, loss, backward, AdamW. */
    TRAIN,
    /** Forward. */
    INFER
  }

  private static final int BAD_INPUT = 2;

  private VitBench() {}

  /** Measures, prints one line, and returns the exit code. */
  static int main(Mode mode, String[] arguments) {
    BenchOptions options;
    try {
      options = BenchOptions.parse(arguments);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.err.println(BenchOptions.USAGE);
      return BAD_INPUT;
    }
    Map<String, Object> result = run(mode, options);
    System.out.println(options.output().equals("json") ? Figures.json(result) : text(result));
    return 0;
  }

  /** The fields that the Python yardstick prints, in its order. */
  static Map<String, Object> run(Mode mode, BenchOptions options) {
    TensorEngine tensors =
        TensorEngine.start(EngineSettings.of(options.device(), options.threads()));
    Precision precision = Precision.valueOf(options.precision().toUpperCase(Locale.ROOT));
    Stopwatch.Reading reading;
    try (VitEngine engine = VitEngine.fast(tensors, precision);
        VitModel model =
            VitModel.trainable(tensors, VitInitializer.weights(architecture(options), 0));
        Step step = new Step(tensors, engine, model, options)) {
      reading =
          Stopwatch.measure(
              mode == Mode.TRAIN ? step::train : step::infer,
              tensors::await,
              options.batch(),
              options.seconds(),
              options.repetitions());
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("peer", "espalier " + tensors.version() + " " + options.precision());
    fields.put("mode", mode.name().toLowerCase(Locale.ROOT));
    fields.put("images_per_s", tenths(reading.imagesPerSecond()));
    fields.put("images_per_cpu_s", tenths(reading.imagesPerCpuSecond()));
    fields.put("image", options.image());
    fields.put("patch", options.patch());
    fields.put("channels", options.channels());
    fields.put("classes", options.classes());
    fields.put("dim", options.dim());
    fields.put("depth", options.depth());
    fields.put("heads", options.heads());
    fields.put("mlp", options.mlp());
    fields.put("batch", options.batch());
    fields.put("threads", options.threads());
    fields.put("repetitions", options.repetitions());
    fields.put("seconds", options.seconds());
    fields.put("device", options.device());
    return fields;
  }

  private static double tenths(double value) {
    return Math.round(value * 10) / 10.0;
  }

  private static VitArchitecture architecture(BenchOptions options) {
    int mlp = options.mlp() > 0 ? options.mlp() : 4 * options.dim();
    int width = options.dim() / options.heads();
    BlockShape block = new BlockShape(AttentionKind.MSA, options.heads(), width, width, mlp);
    return new VitArchitecture(
        options.image(),
        options.patch(),
        options.channels(),
        options.classes(),
        1,
        options.dim(),
        width,
        1e-6,
        Collections.nCopies(options.depth(), block));
  }

  /** One batch of random images, trained on or looked at again and again. */
  private static final class Step implements AutoCloseable {
    private final TensorEngine tensors;
    private final VitEngine engine;
    private final VitModel model;
    private final AdamW optimizer;
    private final NDManager manager;
    private final NDArray images;
    private final NDArray labels;

    Step(TensorEngine tensors, VitEngine engine, VitModel model, BenchOptions options) {
      this.tensors = tensors;
      this.engine = engine;
      this.model = model;
      AdamWSettings settings = new AdamWSettings(0.9, 0.999, 1e-8, 0.05, true);
      this.optimizer = engine.newOptimizer(model, settings);
      this.manager = tensors.newManager();
      SplittableRandom random = new SplittableRandom(0);
      int side = options.image();
      float[] pixels = new float[options.batch() * options.channels() * side * side];
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = (float) random.nextDouble();
      }
      long[] classes = random.longs(options.batch(), 0, options.classes()).toArray();
      this.images =
          manager.create(pixels, new Shape(options.batch(), options.channels(), side, side));
      this.labels = manager.create(classes);
    }

    void train() {
      try (NDManager step = tensors.newManager()) {
        engine.backward(model, on(step), labels, Objective.CROSS_ENTROPY, null, Gates.NONE);
        optimizer.step(1e-3);
      }
    }

    void infer() {
      try (NDManager step = tensors.newManager()) {
        engine.logits(model, on(step));
      }
    }

    /** Results follow the manager of the images, so each step takes its own view of them. */
    private NDArray on(NDManager step) {
      NDArray view = images.reshape(images.getShape());
      view.attach(step);
      return view;
    }

    @Override
    public void close() {
      optimizer.close();
      manager.close();
    }
  }

  private static String text(Map<String, Object> result) {
    return "%s %s: %s images/s, %s images per CPU second (d %s x %s, batch %s, threads %s, %s)"
        .formatted(
            result.get("peer"),
            result.get("mode"),
            result.get("images_per_s"),
            result.get("images_per_cpu_s"),
            result.get("dim"),
            result.get("depth"),
            result.get("batch"),
            result.get("threads"),
            result.get("device"));
  }
}
