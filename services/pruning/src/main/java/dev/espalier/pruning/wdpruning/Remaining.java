package dev.espalier.pruning.wdpruning;

import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The share of the blocks' matrices that thresholds leave ({@code methods/wdpruning.md} §3):
 *
 * <pre>
 * R = (1 / sum) sum_l [ qkv_l k_h + proj_l k_h k_o + fc1_l k_1 + fc2_l k_1 k_2 ]
 * k = max(sigmoid(beta), 1 / n)
 * </pre>
 *
 * where qkv_l, proj_l, fc1_l and fc2_l are the matrices' sizes; with M = 4 d they are 3, 1, 4 and 4
 * times d^2, the paper's numbers.
 */
final class Remaining {

  private record Block(double[] sizes, int[] units) {}

  private final List<Block> blocks = new ArrayList<>();
  private final double sum;

  Remaining(VitArchitecture vit) {
    int d = vit.embedding();
    double all = 0;
    for (BlockShape shape : vit.blocks()) {
      double h = shape.heads();
      double[] sizes = {
        d * h * (2 * shape.qkWidth() + shape.vWidth()),
        h * shape.vWidth() * d,
        (double) d * shape.mlpHidden(),
        (double) shape.mlpHidden() * d
      };
      int[] units = new int[Sublayer.COUNT];
      for (Sublayer layer : Sublayer.values()) {
        units[layer.ordinal()] = layer.units(shape, d);
        all += sizes[layer.ordinal()];
      }
      blocks.add(new Block(sizes, units));
    }
    this.sum = all;
  }

  /**
   * R.
   *
   * @param betas thresholds, (L, 4) in the order of {@link Sublayer}
   */
  double of(double[][] betas) {
    double left = 0;
    for (int l = 0; l < blocks.size(); l++) {
      double[] size = blocks.get(l).sizes();
      double[] k = shares(l, betas[l]);
      left += size[0] * k[0] + size[1] * k[0] * k[1] + size[2] * k[2] + size[3] * k[2] * k[3];
    }
    return left / sum;
  }

  /** R where every layer keeps that share. */
  double ofUniform(double kappa) {
    double[][] betas = new double[blocks.size()][Sublayer.COUNT];
    for (double[] block : betas) {
      Arrays.fill(block, Threshold.of(kappa));
    }
    return of(betas);
  }

  /** dR / dbeta, (L, 4), through the sigmoid; 0 where the bound 1 / n holds. */
  double[][] gradient(double[][] betas) {
    double[][] gradient = new double[blocks.size()][];
    for (int l = 0; l < blocks.size(); l++) {
      double[] size = blocks.get(l).sizes();
      double[] k = shares(l, betas[l]);
      gradient[l] =
          new double[] {
            size[0] + size[1] * k[1], size[1] * k[0], size[2] + size[3] * k[3], size[3] * k[2]
          };
      for (int i = 0; i < Sublayer.COUNT; i++) {
        double kappa = Threshold.keptShare(betas[l][i]);
        gradient[l][i] *= k[i] > kappa ? 0 : kappa * (1 - kappa) / sum;
      }
    }
    return gradient;
  }

  private double[] shares(int l, double[] betas) {
    double[] shares = new double[Sublayer.COUNT];
    for (int i = 0; i < Sublayer.COUNT; i++) {
      shares[i] = Math.max(Threshold.keptShare(betas[i]), 1.0 / blocks.get(l).units()[i]);
    }
    return shares;
  }
}
