package dev.espalier.pruning.sparsity;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.training.TrainingHook;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Gates that train beside the weights under {@code loss = CE + sum penalty * |value|}. The
 * penalty's part is added to the gates' gradients by hand, {@code penalty * sign(value)} with
 * {@code sign(0) = 0}, which is the same and needs no graph.
 */
public final class GateTraining implements TrainingHook, AutoCloseable {

  private static final String PREFIX = "gates.";

  private final GateSet set;
  private final double learningRate;
  private final NDManager manager;
  private final Map<String, NDArray> gates = new LinkedHashMap<>();
  private NDManager pass;

  /** Gates at their initial values; they go when this is closed, or the model. */
  public GateTraining(GateSet set, double learningRate, VitModel model) {
    this.set = set;
    this.learningRate = learningRate;
    this.manager = model.manager().newSubManager();
    set.shapes()
        .forEach(
            (name, shape) -> {
              NDArray gate = manager.full(new Shape(shape), set.initial(name));
              gate.setRequiresGradient(true);
              gates.put(PREFIX + name, gate);
            });
  }

  @Override
  public Map<String, NDArray> parameters() {
    return Collections.unmodifiableMap(gates);
  }

  @Override
  public double learningRate(TrainingRun run, String parameter, double scheduled) {
    if (gates.containsKey(parameter)) {
      return learningRate;
    }
    return set.trains(parameter) ? TrainingHook.super.learningRate(run, parameter, scheduled) : -1;
  }

  /** The gates of one pass; they live until the next one. */
  @Override
  public Gates gates(TrainingRun run) {
    if (pass != null) {
      pass.close();
    }
    pass = manager.newSubManager();
    try (GradientMode recording = GradientMode.recording()) {
      return set.place(
          name -> {
            NDArray gate = gates.get(PREFIX + name);
            return onPass(set.bounded(name) ? gate.tanh() : gate.reshape(gate.getShape()));
          });
    }
  }

  private NDArray onPass(NDArray array) {
    array.attach(pass);
    return array;
  }

  @Override
  public void afterBackward(TrainingRun run) {
    try (NDManager scratch = manager.newSubManager();
        GradientMode off = GradientMode.off()) {
      gates.forEach(
          (parameter, gate) -> {
            String name = parameter.substring(PREFIX.length());
            NDArray gradient = gate.getGradient();
            gradient.attach(scratch);
            NDArray slope = gate.sign();
            slope.attach(scratch);
            if (set.bounded(name)) { // d tanh(z) / dz = 1 - tanh(z)^2
              NDArray value = gate.tanh();
              value.attach(scratch);
              slope.muli(value.mul(value).neg().add(1));
            }
            gradient.addi(slope.mul(set.penalty(name)));
          });
    }
  }

  /** The gates' values by name, after tanh where bounded. */
  public Map<String, Tensor> values() {
    Map<String, Tensor> values = new LinkedHashMap<>();
    gates.forEach(
        (parameter, gate) -> {
          String name = parameter.substring(PREFIX.length());
          Tensor value = VitModel.host(gate);
          if (set.bounded(name)) {
            for (int i = 0; i < value.values().length; i++) {
              value.values()[i] = (float) StrictMath.tanh(value.values()[i]);
            }
          }
          values.put(name, value);
        });
    return values;
  }

  /** The L1 term of the loss. */
  public double penalty() {
    double sum = 0;
    for (Map.Entry<String, Tensor> value : values().entrySet()) {
      for (float v : value.getValue().values()) {
        sum += set.penalty(value.getKey()) * Math.abs(v);
      }
    }
    return sum;
  }

  /** How many gates have crossed zero. */
  public long negative() {
    long count = 0;
    for (Tensor value : values().values()) {
      for (float v : value.values()) {
        count += v < 0 ? 1 : 0;
      }
    }
    return count;
  }

  @Override
  public void close() {
    manager.close();
  }
}
