package dev.espalier.pruning.nvit;

import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.method.Pool;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Importance of each unit for one batch, {@code methods/nvit.md} §2: the square of the loss's
 * derivative by a gate on the unit's group, {@code I = (sum of w * dL/dw over the group / divisor)
 * ^2}. Terms are summed first, so that signs within a group cancel.
 *
 * <p>Into the sums enter, as in the authors' code:
 *
 * <ul>
 *   <li>embedding channel: its patch-embedding row and bias; in every block its columns of queries,
 *       keys, values and fc1, its rows and biases of proj and fc2
 *   <li>head: its rows and biases of queries, keys and values, not its columns of proj
 *   <li>query/key channel: its query rows and biases in all heads, not the keys
 *   <li>value channel: its value rows and biases in all heads, not its columns of proj
 *   <li>hidden unit: its row and bias of fc1
 * </ul>
 */
final class TaylorScores {

  /** Sums of w * dL/dw over slices of a parameter. */
  interface Products {

    /** Sum over each entry of the first axis. */
    float[] rows(String name);

    /** Sum over each entry of the last axis. */
    float[] columns(String name);
  }

  private final VitArchitecture vit;
  private final Divisors divisors;
  private final Products products;
  private final double[] embedding;
  private final Map<Pool, float[]> scores = new LinkedHashMap<>();

  private TaylorScores(VitArchitecture vit, Divisors divisors, Products products) {
    this.vit = vit;
    this.divisors = divisors;
    this.products = products;
    this.embedding = new double[vit.embedding()];
  }

  /** Scores of all units by pool, for the gradients as they are. */
  static Map<Pool, float[]> of(VitArchitecture vit, Divisors divisors, Products products) {
    return new TaylorScores(vit, divisors, products).scores();
  }

  private Map<Pool, float[]> scores() {
    add(embedding, products.rows("patch_embed.proj.weight"));
    add(embedding, products.rows("patch_embed.proj.bias"));
    for (int l = 0; l < vit.depth(); l++) {
      BlockShape shape = vit.blocks().get(l);
      String name = "blocks." + l + ".";
      if (shape.attention() == AttentionKind.MSA) {
        attention(l, name + "attn.", shape);
      }
      mlp(l, name + "mlp.", shape);
    }
    put(new Pool(UnitKind.EMBEDDING, Pool.EVERYWHERE), embedding);
    return scores;
  }

  private void attention(int l, String name, BlockShape shape) {
    int H = shape.heads();
    int q = shape.qkWidth();
    int v = shape.vWidth();
    double[] rows = new double[2 * H * q + H * v]; // queries, keys, values, head-major
    add(rows, products.rows(name + "qkv.weight"));
    add(rows, products.rows(name + "qkv.bias"));
    double[] heads = new double[H];
    double[] qk = new double[q];
    double[] values = new double[v];
    for (int h = 0; h < H; h++) {
      for (int i = 0; i < q; i++) {
        heads[h] += rows[h * q + i] + rows[H * q + h * q + i];
        qk[i] += rows[h * q + i];
      }
      for (int i = 0; i < v; i++) {
        heads[h] += rows[2 * H * q + h * v + i];
        values[i] += rows[2 * H * q + h * v + i];
      }
    }
    put(new Pool(UnitKind.HEAD, l), heads);
    put(new Pool(UnitKind.QK, l), qk);
    put(new Pool(UnitKind.V, l), values);
    add(embedding, products.columns(name + "qkv.weight"));
    add(embedding, products.rows(name + "proj.weight"));
    add(embedding, products.rows(name + "proj.bias"));
  }

  private void mlp(int l, String name, BlockShape shape) {
    double[] hidden = new double[shape.mlpHidden()];
    add(hidden, products.rows(name + "fc1.weight"));
    add(hidden, products.rows(name + "fc1.bias"));
    put(new Pool(UnitKind.MLP, l), hidden);
    add(embedding, products.columns(name + "fc1.weight"));
    add(embedding, products.rows(name + "fc2.weight"));
    add(embedding, products.rows(name + "fc2.bias"));
  }

  private static void add(double[] sums, float[] terms) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] += terms[i];
    }
  }

  private void put(Pool pool, double[] sums) {
    float[] squares = new float[sums.length];
    for (int i = 0; i < sums.length; i++) {
      squares[i] = (float) squared(sums[i], divisors.of(pool.kind()));
    }
    scores.put(pool, squares);
  }

  /** The score of a group from the sum of its terms. */
  static double squared(double sum, double divisor) {
    return (sum / divisor) * (sum / divisor);
  }
}
