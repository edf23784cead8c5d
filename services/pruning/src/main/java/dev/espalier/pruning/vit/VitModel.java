package dev.espalier.pruning.vit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.HostArrays;
import dev.espalier.pruning.tensor.TensorEngine;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A Vision Transformer whose weights live on the engine's device, under timm's names (see {@link
 * VitWeights}). It holds parameters only: {@link VitForward} and the engines say what is computed
 * from them. The parameters belong to the model and go when it is closed.
 */
public final class VitModel implements AutoCloseable {

  private final VitArchitecture architecture;
  private final NDManager manager;
  private final Map<String, NDArray> parameters;

  private VitModel(
      VitArchitecture architecture, NDManager manager, Map<String, NDArray> parameters) {
    this.architecture = architecture;
    this.manager = manager;
    this.parameters = Collections.unmodifiableMap(parameters);
  }

  /** A model for inference: its parameters take no gradients. */
  public static VitModel frozen(TensorEngine engine, VitWeights weights) {
    return load(engine, weights, false);
  }

  /** A model to train. */
  public static VitModel trainable(TensorEngine engine, VitWeights weights) {
    return load(engine, weights, true);
  }

  private static VitModel load(TensorEngine engine, VitWeights weights, boolean trainable) {
    Map<String, int[]> shapes = ParameterShapes.of(weights.architecture());
    NDManager manager = engine.newManager();
    try {
      Map<String, NDArray> parameters = new LinkedHashMap<>();
      shapes.forEach(
          (name, shape) -> {
            Tensor tensor = weights.tensor(name);
            if (!Arrays.equals(tensor.shape(), shape)) {
              throw new IllegalArgumentException(
                  "%s must be %s but is %s"
                      .formatted(name, Arrays.toString(shape), Arrays.toString(tensor.shape())));
            }
            parameters.put(name, parameter(manager, tensor, trainable));
          });
      return new VitModel(weights.architecture(), manager, parameters);
    } catch (RuntimeException e) {
      manager.close();
      throw e;
    }
  }

  private static NDArray parameter(NDManager manager, Tensor tensor, boolean trainable) {
    NDArray parameter = manager.zeros(shape(tensor));
    assign(parameter, tensor);
    parameter.setRequiresGradient(trainable);
    return parameter;
  }

  private static Shape shape(Tensor tensor) {
    return new Shape(Arrays.stream(tensor.shape()).asLongStream().toArray());
  }

  public VitArchitecture architecture() {
    return architecture;
  }

  /** The manager that owns the parameters; for arrays that live as long as the model. */
  public NDManager manager() {
    return manager;
  }

  /** Parameters by timm name, in the order of {@link ParameterShapes}. */
  public Map<String, NDArray> parameters() {
    return parameters;
  }

  /** The parameter of that timm name. */
  public NDArray parameter(String name) {
    NDArray parameter = parameters.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException("the model has no parameter " + name);
    }
    return parameter;
  }

  /**
   * Gradient of that parameter, as summed since it was last zeroed.
   *
   * @param owner takes the array; the values are the library's own, so changing them in place
   *     changes what the optimizer sees
   */
  public NDArray gradient(String name, NDManager owner) {
    NDArray gradient = parameter(name).getGradient();
    if (gradient == null) {
      throw new IllegalStateException(name + " has no gradient before the first backward pass");
    }
    gradient.attach(owner);
    return gradient;
  }

  /** Gradient of that parameter, copied to the host. */
  public Tensor gradient(String name) {
    try (NDManager scratch = manager.newSubManager()) {
      return host(gradient(name, scratch));
    }
  }

  /** Multiplies a parameter by a mask of a shape that broadcasts to its own, in place. */
  public void mask(String name, NDArray mask) {
    try (GradientMode off = GradientMode.off()) {
      parameter(name).muli(mask);
    }
  }

  /** Overwrites a parameter. */
  public void set(String name, Tensor tensor) {
    assign(parameter(name), tensor);
  }

  /** Copies host values into an array of the same shape; the array keeps its own memory. */
  public static void assign(NDArray target, Tensor tensor) {
    if (!target.getShape().equals(shape(tensor))) {
      throw new IllegalArgumentException(
          "expected shape %s but found %s".formatted(target.getShape(), tensor));
    }
    try (NDManager scratch = target.getManager().newSubManager();
        GradientMode off = GradientMode.off()) {
      scratch.create(tensor.values(), target.getShape()).copyTo(target);
    }
  }

  /** The weights, copied to the host. */
  public VitWeights weights() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    parameters.forEach((name, parameter) -> tensors.put(name, host(parameter)));
    return new VitWeights(architecture, tensors);
  }

  /** An array of any shape, copied to the host. */
  public static Tensor host(NDArray array) {
    int[] shape = Arrays.stream(array.getShape().getShape()).mapToInt(Math::toIntExact).toArray();
    return new Tensor(shape, HostArrays.floats(array));
  }

  @Override
  public void close() {
    manager.close();
  }
}
