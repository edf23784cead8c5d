package dev.espalier.evaluator.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.onnx.OnnxFile;
import dev.espalier.pruning.evaluation.Contender;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;

/**
 * A model in ONNX Runtime on the processor, float32: the very file that an export gives away, under
 * the runtime's own optimisations.
 */
public final class OnnxModel implements Contender, AutoCloseable {

  private final OrtEnvironment environment;
  private final SessionOptions options;
  private final OrtSession session;

  /**
   * Loads a model.
   *
   * @param threads of one operation
   */
  public OnnxModel(VitWeights model, int threads) {
    this.environment = OrtEnvironment.getEnvironment();
    try {
      this.options = new SessionOptions();
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      // Threads that spin between runs would take the processor from the other runtime.
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      this.session = environment.createSession(OnnxFile.write(model, Map.of()), options);
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime does not load the model", e);
    }
  }

  /** Name and version, for example {@code onnxruntime-1.22.0}. */
  public static String runtime() {
    return "onnxruntime-" + OrtEnvironment.getEnvironment().getVersion();
  }

  /**
   * Class scores.
   *
   * @param pixels normalised, (B, C, S, S) row-major
   * @return (B, classes)
   */
  public float[][] scores(float[] pixels, int batch, int channels, int side) {
    try (OnnxTensor images = tensor(pixels, batch, channels, side)) {
      return run(images);
    } catch (OrtException e) {
      throw failed(e);
    }
  }

  @Override
  public Pass open(float[] pixels, int batch, int channels, int side) {
    OnnxTensor images;
    try {
      images = tensor(pixels, batch, channels, side);
    } catch (OrtException e) {
      throw failed(e);
    }
    return new Pass() {
      @Override
      public long nanoseconds() {
        try {
          long start = System.nanoTime();
          run(images);
          return System.nanoTime() - start;
        } catch (OrtException e) {
          throw failed(e);
        }
      }

      @Override
      public void close() {
        images.close();
      }
    };
  }

  private float[][] run(OnnxTensor images) throws OrtException {
    try (OrtSession.Result result = session.run(Map.of(OnnxFile.INPUT, images))) {
      return (float[][]) result.get(0).getValue();
    }
  }

  private OnnxTensor tensor(float[] pixels, int batch, int channels, int side) throws OrtException {
    FloatBuffer direct =
        ByteBuffer.allocateDirect(Math.multiplyExact(pixels.length, Float.BYTES))
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    direct.put(pixels).flip();
    return OnnxTensor.createTensor(environment, direct, new long[] {batch, channels, side, side});
  }

  private static IllegalStateException failed(OrtException e) {
    return new IllegalStateException("ONNX Runtime failed to run the model", e);
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime does not let go of the model", e);
    } finally {
      options.close();
    }
  }
}
