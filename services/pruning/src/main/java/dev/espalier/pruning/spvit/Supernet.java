package dev.espalier.pruning.spvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * What the search adds to a ViT: per block three gates on the operator and one on each hidden unit,
 * the 9 H mixing logits P, and the batch norms of both convolutions. No weights of convolutions:
 * there is a single path.
 */
final class Supernet {

  private static final String PREFIX = "spvit.";

  private final VitArchitecture vit;
  private final boolean strict;
  private final List<Block> blocks = new ArrayList<>();

  private record Block(
      NDArray operator, NDArray hidden, NDArray mixing, BatchNorm conv3, BatchNorm conv1) {}

  /**
   * The gates of one pass.
   *
   * @param operator of each block, (3)
   * @param hidden of each block, (M)
   */
  record Drawn(List<NDArray> operator, List<NDArray> hidden) {}

  /** All gates open, all heads mixed alike, norms fresh; arrays belong to {@code manager}. */
  Supernet(VitArchitecture vit, boolean strict, NDManager manager) {
    this.vit = vit;
    this.strict = strict;
    for (BlockShape shape : vit.blocks()) {
      float start = (float) SpVitSettings.GATE_START;
      Block block =
          new Block(
              manager.full(new Shape(3), start),
              manager.full(new Shape(shape.mlpHidden()), start),
              manager.ones(new Shape(shape.heads(), SinglePath.NEIGHBOURS)),
              new BatchNorm(shape.vWidth(), manager),
              new BatchNorm(shape.vWidth(), manager));
      block.operator().setRequiresGradient(true);
      block.hidden().setRequiresGradient(true);
      block.mixing().setRequiresGradient(true);
      blocks.add(block);
    }
  }

  /** What trains beside the model's weights, by name. */
  Map<String, NDArray> parameters() {
    Map<String, NDArray> parameters = new LinkedHashMap<>();
    for (int l = 0; l < blocks.size(); l++) {
      Block block = blocks.get(l);
      String name = PREFIX + l + ".";
      parameters.put(name + "operator", block.operator());
      parameters.put(name + "hidden", block.hidden());
      parameters.put(name + "mixing", block.mixing());
      block.conv3().parameters().forEach((n, p) -> parameters.put(name + "conv3." + n, p));
      block.conv1().parameters().forEach((n, p) -> parameters.put(name + "conv1." + n, p));
    }
    return parameters;
  }

  /** Running statistics of the batch norms, by name. */
  Map<String, NDArray> statistics() {
    Map<String, NDArray> statistics = new LinkedHashMap<>();
    for (int l = 0; l < blocks.size(); l++) {
      String name = PREFIX + l + ".";
      blocks.get(l).conv3().statistics().forEach((n, s) -> statistics.put(name + "conv3." + n, s));
      blocks.get(l).conv1().statistics().forEach((n, s) -> statistics.put(name + "conv1." + n, s));
    }
    return statistics;
  }

  static boolean isGate(String parameter) {
    return parameter.startsWith(PREFIX)
        && (parameter.endsWith(".operator") || parameter.endsWith(".hidden"));
  }

  /** Parameters and statistics, copied to the host. */
  Map<String, Tensor> values() {
    Map<String, Tensor> values = new LinkedHashMap<>();
    parameters().forEach((name, array) -> values.put(name, VitModel.host(array)));
    statistics().forEach((name, array) -> values.put(name, VitModel.host(array)));
    return values;
  }

  /** Takes over {@link #values}. */
  void set(Map<String, Tensor> values) {
    parameters().forEach((name, array) -> VitModel.assign(array, values.get(name)));
    statistics().forEach((name, array) -> VitModel.assign(array, values.get(name)));
  }

  /** Gates drawn for one update. */
  Drawn sampled(NDManager manager, long seed, long update, double tau) {
    int[] array = {0};
    return drawn(
        t ->
            GateSampling.sample(
                t, GateSampling.noise(manager, seed, update, array[0]++, t.getShape()), tau));
  }

  /** Gates of p above one half. */
  Drawn decided(NDManager manager) {
    return drawn(t -> GateSampling.decided(t, manager));
  }

  private Drawn drawn(UnaryOperator<NDArray> gate) {
    return new Drawn(
        blocks.stream().map(Block::operator).map(gate).toList(),
        blocks.stream().map(Block::hidden).map(gate).toList());
  }

  /** The three operator gates that choose an operator, without chance. */
  static NDArray choosing(AttentionKind kind, NDManager manager) {
    return manager.create(
        switch (kind) {
          case MSA -> new float[] {1, 1, 1};
          case CONV3 -> new float[] {1, 1, 0};
          case CONV1 -> new float[] {1, 0, 0};
          case SKIP -> new float[] {0, 0, 0};
        });
  }

  /**
   * Class scores of the search model, (B, classes).
   *
   * @param momentum of the batch norms, see {@link BatchNorm#forward}
   */
  NDArray logits(VitModel model, NDArray images, Drawn gates, double momentum) {
    Gates hidden =
        new Gates(
            null,
            null,
            gates.hidden().stream().map(gate -> Gates.Block.NONE.withHidden(gate)).toList());
    VitForward forward = new VitForward(model, hidden, (name, value) -> {});
    NDArray x = forward.embed(images); // (B, T, d)
    for (int l = 0; l < vit.depth(); l++) {
      NDArray operator = gates.operator().get(l);
      x = forward.block(l, x, (at, y) -> mixed(model, at, y, operator, momentum)); // (B, T, d)
    }
    return forward.scores(forward.finish(x));
  }

  private NDArray mixed(VitModel model, int l, NDArray y, NDArray operator, double momentum) {
    Block block = blocks.get(l);
    SinglePath path = new SinglePath(model, l, y, block.mixing());
    return GateSampling.blend(
        operator,
        path.attention(),
        path.conv3(block.conv3(), momentum),
        path.conv1(block.conv1(), momentum),
        strict);
  }
}
