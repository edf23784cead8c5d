package dev.espalier.pruning.spvit;

import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The convolution that a block's attention weights are ({@code methods/spvit.md} §2, §7), with the
 * batch norm folded in: d embedding, H heads, e value width.
 *
 * @param shares R, (H, 9)
 */
record Kernels(VitWeights weights, int l, double[][] shares) {

  /** R = softmax(P / alpha) over the heads. */
  static double[][] shares(Tensor mixing) {
    int H = mixing.shape()[0];
    int n = mixing.shape()[1];
    double[][] shares = new double[H][n];
    for (int k = 0; k < n; k++) {
      double largest = Double.NEGATIVE_INFINITY;
      for (int h = 0; h < H; h++) {
        largest = Math.max(largest, mixing.values()[h * n + k]);
      }
      double sum = 0;
      for (int h = 0; h < H; h++) {
        shares[h][k] = StrictMath.exp((mixing.values()[h * n + k] - largest) / SinglePath.ALPHA);
        sum += shares[h][k];
      }
      for (int h = 0; h < H; h++) {
        shares[h][k] /= sum;
      }
    }
    return shares;
  }

  /**
   * The tensors of one kind of convolution in the place of this block's attention, by the names of
   * the uncut model.
   *
   * @param norm {@code gamma}, {@code beta}, {@code mean} and {@code variance}, each (e)
   */
  Map<String, Tensor> of(AttentionKind kind, Map<String, Tensor> norm) {
    BlockShape shape = weights.architecture().blocks().get(l);
    int d = weights.architecture().embedding();
    int e = shape.vWidth();
    int side = kind.kernel();
    int first = 2 * shape.heads() * shape.qkWidth();
    float[] values = weights.tensor(name("qkv.weight")).values(); // (2 H q + H e, d)
    float[] valueBias = weights.tensor(name("qkv.bias")).values();
    float[] kernel = new float[e * d * side * side];
    float[] bias = new float[e];
    for (int j = 0; j < e; j++) {
      double scale =
          norm.get("gamma").values()[j]
              / Math.sqrt(norm.get("variance").values()[j] + BatchNorm.EPSILON);
      double shift = -norm.get("mean").values()[j];
      for (int a = 0; a < side; a++) {
        for (int b = 0; b < side; b++) {
          int k = kind == AttentionKind.CONV3 ? 3 * b + a : SinglePath.CENTRE;
          for (int h = 0; h < shape.heads(); h++) {
            shift += shares[h][k] * valueBias[first + h * e + j];
          }
          for (int i = 0; i < d; i++) {
            double sum = 0;
            for (int h = 0; h < shape.heads(); h++) {
              sum += shares[h][k] * values[(first + h * e + j) * d + i];
            }
            kernel[((j * d + i) * side + a) * side + b] = (float) (scale * sum);
          }
        }
      }
      bias[j] = (float) (scale * shift + norm.get("beta").values()[j]);
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put(name("conv.weight"), new Tensor(new int[] {e, d, side, side}, kernel));
    tensors.put(name("conv.bias"), new Tensor(new int[] {e}, bias));
    tensors.put(name("proj.weight"), projection(kind, shape, d));
    tensors.put(name("proj.bias"), weights.tensor(name("proj.bias")));
    return tensors;
  }

  /** sum_k O_k, or O_4, (d, e). */
  private Tensor projection(AttentionKind kind, BlockShape shape, int d) {
    int e = shape.vWidth();
    float[] proj = weights.tensor(name("proj.weight")).values(); // (d, H e)
    float[] mixed = new float[d * e];
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < e; j++) {
        double sum = 0;
        for (int h = 0; h < shape.heads(); h++) {
          sum += share(kind, h) * proj[(i * shape.heads() + h) * e + j];
        }
        mixed[i * e + j] = (float) sum;
      }
    }
    return new Tensor(new int[] {d, e}, mixed);
  }

  private double share(AttentionKind kind, int h) {
    if (kind == AttentionKind.CONV1) {
      return shares[h][SinglePath.CENTRE];
    }
    double sum = 0;
    for (double share : shares[h]) {
      sum += share;
    }
    return sum;
  }

  private String name(String tensor) {
    return "blocks." + l + ".attn." + tensor;
  }
}
