package dev.espalier.pruning.tensor;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;

/**
 * The PyTorch library of this process: loaded once, with the settings of the first start. It is the
 * door to everything that touches the engine's internals; the rest of the code sees {@link
 * ai.djl.ndarray.NDArray}s and the VitEngine built on it.
 */
public final class TensorEngine {

  private static TensorEngine started;

  private final EngineSettings settings;
  private final Engine engine;
  private final Device device;

  private TensorEngine(EngineSettings settings) {
    this.settings = settings;
    // Without it the library asks a cloud metadata address at start.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("ai.djl.pytorch.graph_optimizer", "false");
    settings
        .cacheDirectory()
        .ifPresent(directory -> System.setProperty("DJL_CACHE_DIR", directory.toString()));
    NativeMemory.keep();
    if (settings.isGpu()) {
      CudaNumerics.exact();
    }
    this.engine = Engine.getEngine("PyTorch");
    this.device = device(settings.device(), engine.getGpuCount());
    JniUtils.setNumThreads(settings.threads());
  }

  /**
   * The device of that name.
   *
   * @param gpus how many the library sees
   */
  static Device device(String name, int gpus) {
    if (name.equals("cpu")) {
      return Device.cpu();
    }
    int number = Integer.parseInt(name.substring("gpu".length()));
    if (number >= gpus) {
      throw new IllegalStateException(
          "device %s needs a CUDA build of the library, libcudart on the library path and %d GPU(s) but found %d"
              .formatted(name, number + 1, gpus));
    }
    return Device.gpu(number);
  }

  /**
   * Starts the engine, or returns the running one. The thread count may change between calls, it is
   * one number for the whole process; the device may not.
   */
  public static synchronized TensorEngine start(EngineSettings settings) {
    if (started == null) {
      started = new TensorEngine(settings);
    } else if (!started.settings.device().equals(settings.device())) {
      throw new IllegalStateException(
          "this process runs on %s and cannot start on %s"
              .formatted(started.settings.device(), settings.device()));
    } else if (JniUtils.getNumThreads() != settings.threads()) {
      JniUtils.setNumThreads(settings.threads());
    }
    return started;
  }

  /** A manager on the engine's device; whoever asks closes it. */
  public NDManager newManager() {
    return engine.newBaseManager(device);
  }

  public Device device() {
    return device;
  }

  /**
   * Waits until the device has done all that this thread asked of it so far; a clock read without
   * it knows only when a GPU was told. On a processor nothing is ever left to wait for.
   */
  public void await() {
    if (settings.isGpu()) {
      try (NDManager last = newManager()) {
        last.zeros(new Shape(1)).toFloatArray();
      }
    }
  }

  /** Threads of one operation. */
  public int threads() {
    return JniUtils.getNumThreads();
  }

  /** Name and version for the numerics of a stage, for example {@code pytorch-2.7.1}. */
  public String version() {
    return "pytorch-" + engine.getVersion();
  }

  /**
   * Runs the backward pass of a scalar. The graph is freed, gradients are added to the arrays that
   * require one. Unlike DJL's gradient collector, of which a process may open one at a time, this
   * works in several threads at once.
   */
  public static void backward(ai.djl.ndarray.NDArray loss) {
    PtNDArray seed = (PtNDArray) loss.getManager().ones(loss.getShape(), loss.getDataType());
    JniUtils.backward((PtNDArray) loss, seed, false, false);
  }
}
