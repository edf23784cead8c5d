package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.espalier.pruning.vit.VitModel;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What all implementations of {@link AdamW} keep: two moments for each parameter, and a count. */
abstract class AdamWState implements AdamW {

  final VitModel model;
  final AdamWSettings settings;
  final NDManager manager;
  private final Map<String, NDArray> firstMoments;
  private final Map<String, NDArray> secondMoments;
  long steps;

  AdamWState(VitModel model, AdamWSettings settings) {
    this.model = model;
    this.settings = settings;
    this.manager = model.manager().newSubManager();
    this.firstMoments = zeros();
    this.secondMoments = zeros();
  }

  private Map<String, NDArray> zeros() {
    Map<String, NDArray> zeros = new LinkedHashMap<>();
    model.parameters().forEach((name, p) -> zeros.put(name, manager.zeros(p.getShape())));
    return Collections.unmodifiableMap(zeros);
  }

  boolean decays(String name) {
    return settings.decays(name, model.parameter(name).getShape().dimension());
  }

  @Override
  public void zeroGradients() {
    model.parameters().values().forEach(p -> JniUtils.zeroGrad((PtNDArray) p));
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
