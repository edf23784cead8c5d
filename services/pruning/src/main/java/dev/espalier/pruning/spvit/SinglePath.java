package dev.espalier.pruning.spvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.core.Linear;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.vit.VitModel;

/**
 * Self-attention and the two convolutions that could take its place, all from the attention's own
 * values and projection ({@code methods/spvit.md} §2).
 *
 * <p>B images, N patches on a square grid, E prefix tokens, T = N + E, d embedding, H heads of
 * value width e. If head h looked at one fixed neighbour only, attention would be a convolution;
 * with nine neighbours and H heads, heads are mixed by R (H, 9), whose columns sum to 1:
 *
 * <pre>
 * V_k = sum_h R[h,k] W_v^h      c_k = sum_h R[h,k] b_v^h      O_k = sum_h R[h,k] W_o^h
 * u   = sum_k V_k x at neighbour k + sum_k c_k          3x3, zeros outside the grid
 * u   = V_4 x + c_4                                     1x1
 * y   = O relu(BN(u)) + b_o          with O = sum_k O_k, or O_4
 * </pre>
 *
 * <p>Values W_v x are computed once for all three. Prefix tokens get 0 from a convolution.
 */
final class SinglePath {

  /** Neighbours of a place: k = 3 b + a is a - 1 rows below it and b - 1 columns to the right. */
  static final int NEIGHBOURS = 9;

  /** The place itself. */
  static final int CENTRE = 4;

  /** Divides the mixing logits: a difference of 0.05 is nearly a choice. */
  static final double ALPHA = 0.01;

  private final VitModel model;
  private final int l;
  private final BlockShape shape;
  private final NDManager step;
  private final long B;
  private final long T;
  private final NDArray queries;
  private final NDArray keys;
  private final NDArray values;
  private final NDArray valueBias;
  private final NDArray shares;
  private NDArray neighbours;

  /**
   * Queries, keys and values of one block.
   *
   * @param y norm1's output, (B, T, d); results belong to its manager
   * @param mixing P, (H, 9)
   */
  SinglePath(VitModel model, int l, NDArray y, NDArray mixing) {
    this.model = model;
    this.l = l;
    this.shape = model.architecture().blocks().get(l);
    this.step = y.getManager();
    this.B = y.getShape().get(0);
    this.T = y.getShape().get(1);
    long[] cuts = {(long) shape.heads() * shape.qkWidth(), 2L * shape.heads() * shape.qkWidth()};
    NDList products =
        Linear.linear(y, parameter("qkv.weight")).singletonOrThrow().split(cuts, 2); // no bias
    NDList biases = parameter("qkv.bias").split(cuts, 0);
    biases.attach(step);
    this.queries = products.get(0).add(biases.get(0)); // (B, T, H q)
    this.keys = products.get(1).add(biases.get(1)); // (B, T, H q)
    this.values = products.get(2); // (B, T, H e)
    this.valueBias = biases.get(2); // (H e)
    this.shares = shares(mixing, step); // (H, 9)
  }

  /** R = softmax(P / alpha) over the heads, (H, 9). */
  static NDArray shares(NDArray mixing, NDManager step) {
    NDArray alpha = step.full(new Shape(), (float) ALPHA);
    return step.zeros(mixing.getShape()).add(mixing).div(alpha).softmax(0);
  }

  /** Multi-head self-attention, (B, T, d). */
  NDArray attention() {
    int H = shape.heads();
    int q = shape.qkWidth();
    int e = shape.vWidth();
    NDArray scale =
        step.full(new Shape(), (float) (1 / Math.sqrt(model.architecture().scaleWidth())));
    NDArray Q = queries.reshape(B, T, H, q).transpose(0, 2, 1, 3); // (B, H, T, q)
    NDArray K = keys.reshape(B, T, H, q).transpose(0, 2, 3, 1); // (B, H, q, T)
    NDArray V = values.add(valueBias).reshape(B, T, H, e).transpose(0, 2, 1, 3); // (B, H, T, e)
    NDArray heads = Q.mul(scale).matMul(K).softmax(3).matMul(V); // (B, H, T, e)
    NDArray joined = heads.transpose(0, 2, 1, 3).reshape(B, T, (long) H * e); // (B, T, H e)
    return Linear.linear(joined, parameter("proj.weight"), parameter("proj.bias"))
        .singletonOrThrow();
  }

  /** What enters the batch norm of the 3x3 bottleneck, (B, N, e). */
  NDArray gathered() {
    VitArchitecture vit = model.architecture();
    int side = vit.imageSize() / vit.patchSize();
    int e = shape.vWidth();
    NDArray grid = neighbours().reshape(B, side, side, NEIGHBOURS, e);
    NDArray row = step.zeros(new Shape(B, 1, side, NEIGHBOURS, e));
    grid = NDArrays.concat(new NDList(row, grid, row), 1);
    NDArray column = step.zeros(new Shape(B, side + 2, 1, NEIGHBOURS, e));
    grid = NDArrays.concat(new NDList(column, grid, column), 2);
    NDArray u = step.zeros(new Shape(B, side, side, e));
    for (int k = 0; k < NEIGHBOURS; k++) {
      int a = k % 3;
      int b = k / 3;
      u = u.add(grid.get(new NDIndex(":, {}:{}, {}:{}, {}", a, a + side, b, b + side, k)));
    }
    return u.reshape(B, vit.patches(), e).add(biases().sum(new int[] {1}));
  }

  /** What enters the batch norm of the 1x1 bottleneck, (B, N, e). */
  NDArray centred() {
    return neighbours().get(":, :, " + CENTRE).add(biases().get(":, " + CENTRE));
  }

  /** The 3x3 bottleneck, (B, T, d). */
  NDArray conv3(BatchNorm norm, double momentum) {
    return projected(gathered(), norm, momentum, projections().sum(new int[] {2}));
  }

  /** The 1x1 bottleneck, (B, T, d). */
  NDArray conv1(BatchNorm norm, double momentum) {
    return projected(centred(), norm, momentum, projections().get(":, :, " + CENTRE));
  }

  /** V_k x for all k at every patch, (B, N, 9, e). */
  private NDArray neighbours() {
    if (neighbours == null) {
      VitArchitecture vit = model.architecture();
      NDArray heads =
          values
              .get(":, " + vit.prefixTokens() + ":")
              .reshape(B, vit.patches(), shape.heads(), shape.vWidth()); // (B, N, H, e)
      neighbours = shares.transpose().matMul(heads);
    }
    return neighbours;
  }

  /** c_k for all k, (e, 9). */
  private NDArray biases() {
    return valueBias.reshape(shape.heads(), shape.vWidth()).transpose().matMul(shares);
  }

  /** O_k for all k, (d, e, 9). */
  private NDArray projections() {
    NDArray proj =
        parameter("proj.weight")
            .reshape(model.architecture().embedding(), shape.heads(), shape.vWidth());
    proj.attach(step);
    return proj.transpose(0, 2, 1).matMul(shares);
  }

  private NDArray projected(NDArray u, BatchNorm norm, double momentum, NDArray projection) {
    NDArray hidden = Activation.relu(norm.forward(u, momentum)); // (B, N, e)
    NDArray mixed =
        Linear.linear(hidden, projection, parameter("proj.bias")).singletonOrThrow(); // (B, N, d)
    VitArchitecture vit = model.architecture();
    NDArray prefix = step.zeros(new Shape(B, vit.prefixTokens(), vit.embedding()));
    return NDArrays.concat(new NDList(prefix, mixed), 1); // (B, T, d)
  }

  private NDArray parameter(String name) {
    return model.parameter("blocks." + l + ".attn." + name);
  }
}
