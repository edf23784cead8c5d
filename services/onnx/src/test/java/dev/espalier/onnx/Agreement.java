package dev.espalier.onnx;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.DatasetArtifact;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitModel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.IntStream;

/** Class scores of the same model and real images from ONNX Runtime and from DJL. */
final class Agreement {

  static final TensorEngine TENSORS = TensorEngine.start(EngineSettings.cpu(1));
  static final ImageDataset FASHION = fashion();
  static final int IMAGES = 256;

  private Agreement() {}

  /** Largest difference of any class score over the images, at that batch size. */
  static double largestDifference(VitWeights model, int batch) throws OrtException {
    VitArchitecture vit = model.architecture();
    float[] pixels = images(vit);
    float[] expected = djl(model, pixels);
    float[] found = onnxRuntime(OnnxFile.write(model, Map.of()), vit, pixels, batch);
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs((double) expected[i] - found[i]));
    }
    return largest;
  }

  /** Spread of DJL's scores, so that agreement on all zeros proves nothing. */
  static double spread(VitWeights model) {
    float[] scores = djl(model, images(model.architecture()));
    double mean = IntStream.range(0, scores.length).mapToDouble(i -> scores[i]).average().orElse(0);
    double squares =
        IntStream.range(0, scores.length).mapToDouble(i -> Math.pow(scores[i] - mean, 2)).sum();
    return Math.sqrt(squares / scores.length);
  }

  private static float[] onnxRuntime(byte[] file, VitArchitecture vit, float[] pixels, int batch)
      throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    int values = pixels.length / IMAGES;
    float[] scores = new float[IMAGES * vit.classes()];
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      try (OrtSession session = environment.createSession(file, options)) {
        for (int from = 0; from < IMAGES; from += batch) {
          int count = Math.min(batch, IMAGES - from);
          long[] shape = {count, vit.channels(), vit.imageSize(), vit.imageSize()};
          FloatBuffer some = FloatBuffer.wrap(pixels, from * values, count * values).slice();
          try (OnnxTensor input = OnnxTensor.createTensor(environment, some, shape);
              OrtSession.Result result = session.run(Map.of(OnnxFile.INPUT, input))) {
            float[][] rows = (float[][]) result.get(OnnxFile.OUTPUT).orElseThrow().getValue();
            for (int i = 0; i < count; i++) {
              System.arraycopy(rows[i], 0, scores, (from + i) * vit.classes(), vit.classes());
            }
          }
        }
      }
    }
    return scores;
  }

  private static float[] djl(VitWeights weights, float[] pixels) {
    VitArchitecture vit = weights.architecture();
    try (VitEngine engine = VitEngine.reference();
        VitModel model = VitModel.frozen(TENSORS, weights);
        NDManager manager = TENSORS.newManager()) {
      NDArray images =
          manager.create(
              pixels, new Shape(IMAGES, vit.channels(), vit.imageSize(), vit.imageSize()));
      return engine.logits(model, images).toFloatArray();
    }
  }

  /** Real images, cut to the model's side and repeated over its channels, (256, C, S, S). */
  private static float[] images(VitArchitecture vit) {
    int whole = FASHION.imageSize();
    int side = vit.imageSize();
    int[] indices = IntStream.range(0, IMAGES).toArray();
    float[] gray = FASHION.batch(FASHION.test(), indices);
    float[] pixels = new float[IMAGES * vit.channels() * side * side];
    for (int row = 0; row < IMAGES * vit.channels() * side; row++) {
      int image = row / (vit.channels() * side);
      int y = row % side;
      int from = image * whole * whole + y * whole;
      System.arraycopy(gray, from, pixels, row * side, side);
    }
    return pixels;
  }

  /** The same dataset with few training images, for searches. */
  static ImageDataset few(int images) {
    return new ImageDataset(
        FASHION.name(),
        FASHION.channels(),
        FASHION.imageSize(),
        FASHION.classes(),
        FASHION.mean(),
        FASHION.std(),
        FASHION.train().slice(0, images),
        FASHION.validation().slice(0, images),
        FASHION.test().slice(0, images));
  }

  static byte[] shipped(String name) {
    try {
      return Files.readAllBytes(Path.of("../standalone/src/main/resources").resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ImageDataset fashion() {
    Path file = Path.of("../standalone/src/main/resources/datasets/fashion-mnist-subset.zip");
    try (InputStream in = Files.newInputStream(file)) {
      return DatasetArtifact.read(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
