package dev.espalier.pruning.magnitude;

import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import java.util.ArrayList;
import java.util.List;

/**
 * L2 norm of each unit's dependency group: the weights and biases of the linear layers that go with
 * it ({@code methods/README.md} §5), divided by the mean norm of its pool. Layer norms, tokens and
 * positions are left out; their scale has nothing to do with that of the matrices.
 */
final class GroupNorms {

  private final VitWeights weights;
  private final double[] embedding;

  private GroupNorms(VitWeights weights) {
    this.weights = weights;
    this.embedding = new double[weights.architecture().embedding()];
  }

  static Importance of(VitWeights weights) {
    return new GroupNorms(weights).importance();
  }

  private Importance importance() {
    VitArchitecture vit = weights.architecture();
    addRows(embedding, 0, "patch_embed.proj.weight");
    addRows(embedding, 0, "patch_embed.proj.bias");
    addColumns(embedding, 0, "head.weight");
    if (vit.prefixTokens() == 2) {
      addColumns(embedding, 0, "head_dist.weight");
    }
    List<BlockImportance> blocks = new ArrayList<>();
    for (int l = 0; l < vit.depth(); l++) {
      blocks.add(block("blocks." + l + ".", vit.blocks().get(l)));
    }
    return new Importance(normalised(embedding), blocks);
  }

  private BlockImportance block(String name, BlockShape shape) {
    double[] mlp = new double[shape.mlpHidden()];
    addColumns(embedding, 0, name + "mlp.fc1.weight");
    addRows(mlp, 0, name + "mlp.fc1.weight");
    addRows(mlp, 0, name + "mlp.fc1.bias");
    addRows(embedding, 0, name + "mlp.fc2.weight");
    addRows(embedding, 0, name + "mlp.fc2.bias");
    addColumns(mlp, 0, name + "mlp.fc2.weight");
    if (shape.attention() != AttentionKind.MSA) {
      double[] none = new double[shape.heads()];
      return new BlockImportance(
          none, new double[shape.qkWidth()], new double[shape.vWidth()], normalised(mlp));
    }
    int H = shape.heads();
    int q = shape.qkWidth();
    int v = shape.vWidth();
    double[] rows = new double[2 * H * q + H * v]; // queries, keys, values, head-major
    addRows(rows, 0, name + "attn.qkv.weight");
    addRows(rows, 0, name + "attn.qkv.bias");
    addColumns(rows, 2 * H * q, name + "attn.proj.weight");
    addColumns(embedding, 0, name + "attn.qkv.weight");
    addRows(embedding, 0, name + "attn.proj.weight");
    addRows(embedding, 0, name + "attn.proj.bias");
    double[] heads = new double[H];
    double[] qk = new double[q];
    double[] values = new double[v];
    for (int row = 0; row < rows.length; row++) {
      boolean isValue = row >= 2 * H * q;
      int offset = isValue ? row - 2 * H * q : row % (H * q);
      int width = isValue ? v : q;
      heads[offset / width] += rows[row];
      (isValue ? values : qk)[offset % width] += rows[row];
    }
    return new BlockImportance(
        normalised(heads), normalised(qk), normalised(values), normalised(mlp));
  }

  /** Adds the squares of each row to the sum of its unit. */
  private void addRows(double[] sums, int first, String name) {
    Tensor tensor = weights.tensor(name);
    int perRow = tensor.values().length / tensor.shape()[0];
    for (int i = 0; i < tensor.values().length; i++) {
      sums[first + i / perRow] += square(tensor.values()[i]);
    }
  }

  /** Adds the squares of each column to the sum of its unit. */
  private void addColumns(double[] sums, int first, String name) {
    Tensor tensor = weights.tensor(name);
    int width = tensor.shape()[tensor.shape().length - 1];
    for (int i = 0; i < tensor.values().length; i++) {
      sums[first + i % width] += square(tensor.values()[i]);
    }
  }

  private static double square(float value) {
    return (double) value * value;
  }

  /** Roots of the sums over their mean; as floats, which is how they are stored. */
  private static double[] normalised(double[] sums) {
    double mean = 0;
    for (double sum : sums) {
      mean += Math.sqrt(sum) / sums.length;
    }
    double[] norms = new double[sums.length];
    for (int i = 0; i < sums.length; i++) {
      norms[i] = mean == 0 ? 0 : (float) (Math.sqrt(sums[i]) / mean);
    }
    return norms;
  }
}
