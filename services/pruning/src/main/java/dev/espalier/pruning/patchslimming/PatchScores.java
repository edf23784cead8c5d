package dev.espalier.pruning.patchslimming;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import java.util.List;

/**
 * The paper's importance of a token ({@code methods/patch-slimming.md} §3): what it carries, and
 * how far that reaches into the kept outputs over all paths of heads. In float64.
 *
 * <p>B images, H heads, T tokens, d embedding. Each block adds a factor 1 / H, the same for all its
 * tokens.
 */
final class PatchScores {

  private PatchScores() {}

  /**
   * E_down: the sum over paths of heads of the squared columns of A. By recursion over {@code G =
   * I; G = 1/H sum_h P^T G P}, rows of dropped tokens left out, instead of path by path.
   *
   * @param attention of the blocks behind, the nearest first, (B, H, out, in); in of the nearest is
   *     T
   * @return (B, T)
   */
  static NDArray reach(List<NDArray> attention) {
    NDArray G = null; // (B, 1, out, out); null stands for the identity
    for (int l = attention.size() - 1; l > 0; l--) {
      NDArray P = attention.get(l).toType(DataType.FLOAT64, false); // (B, H, out, in)
      NDArray GP = G == null ? P : G.matMul(P); // (B, H, out, in)
      G = P.transpose(0, 1, 3, 2).matMul(GP).mean(new int[] {1}, true); // (B, 1, in, in)
    }
    NDArray P = attention.get(0).toType(DataType.FLOAT64, false);
    NDArray GP = G == null ? P : G.matMul(P);
    return P.mul(GP).sum(new int[] {2}).mean(new int[] {1}); // the diagonal, (B, T)
  }

  /**
   * E_cur: the squared rows of U = P |Z|.
   *
   * @param attention of the block, (B, H, T, T)
   * @param entered what comes to the block, (B, T, d)
   * @return (B, T)
   */
  static NDArray carried(NDArray attention, NDArray entered) {
    NDArray Z = entered.toType(DataType.FLOAT64, false).abs().expandDims(1); // (B, 1, T, d)
    NDArray U = attention.toType(DataType.FLOAT64, false).matMul(Z); // (B, H, T, d)
    return U.mul(U).sum(new int[] {3}).mean(new int[] {1});
  }

  /** One attention in place of all heads' (the cheap variant), (B, 1, out, in). */
  static NDArray averaged(NDArray attention) {
    return attention.mean(new int[] {1}, true);
  }
}
