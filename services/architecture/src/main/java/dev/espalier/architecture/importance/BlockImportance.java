package dev.espalier.architecture.importance;

import java.util.Arrays;

/**
 * Importance of the units of one base block; larger is more important. A query/key or value index
 * stands for the same channel in all heads.
 *
 * @param heads per head, (H)
 * @param qk per query/key channel, (q)
 * @param v per value channel, (v)
 * @param mlp per hidden unit, (M)
 */
public record BlockImportance(double[] heads, double[] qk, double[] v, double[] mlp) {

  @Override
  public boolean equals(Object other) {
    return other instanceof BlockImportance that
        && Arrays.equals(heads, that.heads)
        && Arrays.equals(qk, that.qk)
        && Arrays.equals(v, that.v)
        && Arrays.equals(mlp, that.mlp);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(
        new int[] {
          Arrays.hashCode(heads), Arrays.hashCode(qk), Arrays.hashCode(v), Arrays.hashCode(mlp)
        });
  }
}
