package dev.espalier.benchmarks;

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

/** A model in ONNX Runtime, with the settings that the evaluator gives it. */
final class OnnxContender implements Contender, AutoCloseable {

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final SessionOptions options = new SessionOptions();
  private final OrtSession session;

  OnnxContender(VitWeights model, int threads) {
    try {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      session = environment.createSession(OnnxFile.write(model, Map.of()), options);
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public Pass open(float[] pixels, int batch, int channels, int side) {
    FloatBuffer direct =
        ByteBuffer.allocateDirect(pixels.length * Float.BYTES)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    direct.put(pixels).flip();
    try {
      OnnxTensor images =
          OnnxTensor.createTensor(environment, direct, new long[] {batch, channels, side, side});
      return new Pass() {
        @Override
        public long nanoseconds() {
          long start = System.nanoTime();
          try (OrtSession.Result result = session.run(Map.of(OnnxFile.INPUT, images))) {
            result.get(0).getValue();
          } catch (OrtException e) {
            throw new IllegalStateException(e);
          }
          return System.nanoTime() - start;
        }

        @Override
        public void close() {
          images.close();
        }
      };
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    } finally {
      options.close();
    }
  }
}
