package dev.espalier.onnx;

import static dev.espalier.onnx.GraphWriter.attribute;
import static dev.espalier.onnx.GraphWriter.list;

import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import java.util.List;

/** Layers with the model's weights, and the small changes of shape between them. */
final class Layers {

  private final VitWeights model;
  private final GraphWriter graph;

  Layers(VitWeights model, GraphWriter graph) {
    this.model = model;
    this.graph = graph;
  }

  /** A parameter under its timm name, in its own shape. */
  String parameter(String name) {
    Tensor tensor = model.tensor(name);
    return graph.weights(name, tensor.values(), tensor.shape());
  }

  /** Layer norm over the last axis. */
  String norm(String name, String x) {
    return graph.node(
        "LayerNormalization",
        name,
        List.of(x, parameter(name + ".weight"), parameter(name + ".bias")),
        attribute("axis", -1),
        attribute("epsilon", (float) model.architecture().layerNormEpsilon()));
  }

  /** x W' + b over the last axis, (B, T, in) to (B, T, out). */
  String linear(String name, String x) {
    return linear(name, x, 0);
  }

  /** The same with one output more, the last, which is always 0. */
  String linearAndZero(String name, String x) {
    return linear(name, x, 1);
  }

  private String linear(String name, String x, int zeros) {
    Tensor weight = model.tensor(name + ".weight"); // (out, in)
    int out = weight.shape()[0];
    int in = weight.shape()[1];
    float[] turned = new float[in * (out + zeros)]; // (in, out), as MatMul reads it
    for (int i = 0; i < out; i++) {
      for (int j = 0; j < in; j++) {
        turned[j * (out + zeros) + i] = weight.values()[i * in + j];
      }
    }
    float[] bias = new float[out + zeros];
    System.arraycopy(model.tensor(name + ".bias").values(), 0, bias, 0, out);
    String product =
        graph.node(
            "MatMul",
            name + ".product",
            List.of(x, graph.weights(name + ".weight.transposed", turned, in, out + zeros)));
    return graph.node(
        "Add", name, List.of(product, graph.weights(name + ".bias", bias, out + zeros)));
  }

  /** A classifier, (B, d) to (B, classes). */
  String classifier(String name, String result, String x) {
    return graph.node(
        "Gemm",
        result,
        List.of(x, parameter(name + ".weight"), parameter(name + ".bias")),
        attribute("transB", 1));
  }

  /** (B, T, heads * width) to (B, T, heads, width), axes then in that order. */
  String heads(String name, String x, int tokens, int heads, int width, long... axes) {
    return graph.node(
        "Transpose",
        name + ".heads",
        List.of(reshaped(name + ".split", x, 0, tokens, heads, width)),
        list("perm", axes));
  }

  /** (B, c, side, side) to (B, c, side * side). */
  String flat(String name, String grid, int channels) {
    int N = model.architecture().patches();
    return reshaped(name + ".flat", grid, 0, channels, N);
  }

  /** (B, m, n) to (B, n, m). */
  String transposed(String name, String x) {
    return graph.node("Transpose", name, List.of(x), list("perm", 0, 2, 1));
  }

  /** Another shape; 0 takes the length that the axis has. */
  String reshaped(String name, String x, long... shape) {
    return graph.node("Reshape", name, List.of(x, graph.numbers(name + ".shape", shape)));
  }

  /** Places {@code from} to before {@code to} of an axis. */
  String slice(String name, String x, int from, int to, int axis) {
    return graph.node(
        "Slice",
        name,
        List.of(
            x,
            graph.numbers(name + ".from", from),
            graph.numbers(name + ".to", to),
            graph.numbers(name + ".axes", axis)));
  }

  /** One place of an axis, which is gone then. */
  String at(String name, String x, int place, int axis) {
    return graph.node(
        "Gather", name, List.of(x, graph.number(name + ".place", place)), attribute("axis", axis));
  }
}
