package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.espalier.pruning.vit.VitModel;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What all implementations of {@link AdamW} keep: two moments for each parameter, and a count. */
abstract class AdamWState implements AdamW {

  final Map<String, NDArray> parameters;
  final AdamWSettings settings;
  final NDManager manager;
  private final Map<String, NDArray> firstMoments;
  private final Map<String, NDArray> secondMoments;
  long steps;

  /**
   * All moments zero.
   *
   * @param others parameters beside the model's, by names that are not the model's
   */
  AdamWState(VitModel model, Map<String, NDArray> others, AdamWSettings settings) {
    this.parameters = new LinkedHashMap<>(model.parameters());
    this.parameters.putAll(others);
    this.settings = settings;
    this.manager = model.manager().newSubManager();
    this.firstMoments = zeros();
    this.secondMoments = zeros();
  }

  private Map<String, NDArray> zeros() {
    Map<String, NDArray> zeros = new LinkedHashMap<>();
    parameters.forEach((name, p) -> zeros.put(name, manager.zeros(p.getShape())));
    return Collections.unmodifiableMap(zeros);
  }

  boolean decays(String name) {
    return settings.decays(name, parameters.get(name).getShape().dimension());
  }

  /** The gradient of a parameter; null where it takes none or no backward pass has reached it. */
  NDArray gradient(String name, NDManager scratch) {
    NDArray parameter = parameters.get(name);
    NDArray gradient = parameter.hasGradient() ? parameter.getGradient() : null;
    if (gradient != null) {
      gradient.attach(scratch);
    }
    return gradient;
  }

  /** Names of parameters that have a gradient, so far. */
  List<String> reached(NDManager scratch) {
    return parameters.keySet().stream().filter(name -> gradient(name, scratch) != null).toList();
  }

  @Override
  public void zeroGradients() {
    parameters.values().stream()
        .filter(NDArray::hasGradient)
        .forEach(p -> JniUtils.zeroGrad((PtNDArray) p));
  }

  @Override
  public long steps() {
    return steps;
  }

  @Override
  public void restoreSteps(long steps) {
    this.steps = steps;
  }

  @Override
  public Map<String, NDArray> firstMoments() {
    return firstMoments;
  }

  @Override
  public Map<String, NDArray> secondMoments() {
    return secondMoments;
  }

  @Override
  public void close() {
    manager.close();
  }
}
