package dev.espalier.pruning.spvit;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.List;

/**
 * The cost F of a searched model as a function of its gates ({@code methods/spvit.md} §4), in the
 * platform's own count, and the loss that pulls it to a target from both sides:
 *
 * <pre>
 * g_i  = 1[p_i > 0.5], with the gradient of sigmoid(p_i - 0.5)      G_i = g_1 .. g_i
 * F    = rest + sum_blocks (G_1 F1 + G_2 (F3 - F1) + G_3 (Fmsa - F3) + Fhidden sum_j g_j)
 * loss = lambda ((F - Ftarget) / Fbase)^2
 * </pre>
 */
final class Complexity {

  private final double rest;
  private final double base;
  private final List<Operators> operators = new ArrayList<>();
  private final double[] perHidden;

  /** Cost of one block's operators: the 1x1 and 3x3 bottleneck, and attention. */
  record Operators(double conv1, double conv3, double msa) {

    /** Cost of what the gates let through. */
    double of(double[] t) {
      double[] g = hard(t);
      return g[0] * (conv1 + g[1] * (conv3 - conv1 + g[2] * (msa - conv3)));
    }

    /** Its slope in each logit. */
    double[] slope(double[] t) {
      double[] g = hard(t);
      double third = msa - conv3;
      return new double[] {
        (conv1 + g[1] * (conv3 - conv1) + g[1] * g[2] * third) * Complexity.slope(t[0]),
        (g[0] * (conv3 - conv1) + g[0] * g[2] * third) * Complexity.slope(t[1]),
        g[0] * g[1] * third * Complexity.slope(t[2])
      };
    }

    private static double[] hard(double[] t) {
      return new double[] {open(t[0]), open(t[1]), open(t[2])};
    }
  }

  /** Costs of a base whose blocks all attend. */
  Complexity(VitArchitecture vit, TargetKind kind) {
    this.base = Cost.of(vit).of(kind);
    this.perHidden = new double[vit.depth()];
    double gated = 0;
    for (int l = 0; l < vit.depth(); l++) {
      BlockShape shape = vit.blocks().get(l);
      double skip = cost(vit, l, AttentionKind.SKIP, shape.mlpHidden(), kind);
      Operators own =
          new Operators(
              cost(vit, l, AttentionKind.CONV1, shape.mlpHidden(), kind) - skip,
              cost(vit, l, AttentionKind.CONV3, shape.mlpHidden(), kind) - skip,
              base - skip);
      operators.add(own);
      perHidden[l] =
          (base - cost(vit, l, AttentionKind.MSA, 1, kind)) / Math.max(1, shape.mlpHidden() - 1);
      gated += own.msa() + perHidden[l] * shape.mlpHidden();
    }
    this.rest = base - gated;
  }

  private static double cost(
      VitArchitecture vit, int l, AttentionKind kind, int hidden, TargetKind target) {
    List<BlockShape> blocks = new ArrayList<>(vit.blocks());
    BlockShape shape = blocks.get(l);
    blocks.set(l, new BlockShape(kind, shape.heads(), shape.qkWidth(), shape.vWidth(), hidden));
    return Cost.of(vit.withWidths(vit.embedding(), blocks)).of(target);
  }

  /** F as a share of the base's. */
  double keepRatio(double[][] operator, double[][] hidden) {
    double sum = rest;
    for (int l = 0; l < operator.length; l++) {
      sum += operators.get(l).of(operator[l]);
      for (double t : hidden[l]) {
        sum += perHidden[l] * open(t);
      }
    }
    return sum / base;
  }

  /** Slopes of {@link #keepRatio} in the operator gates, (L, 3). */
  double[][] operatorSlopes(double[][] operator) {
    double[][] slopes = new double[operator.length][];
    for (int l = 0; l < operator.length; l++) {
      slopes[l] = operators.get(l).slope(operator[l]);
      for (int i = 0; i < slopes[l].length; i++) {
        slopes[l][i] /= base;
      }
    }
    return slopes;
  }

  /** Slopes of {@link #keepRatio} in the hidden gates, (L, M). */
  double[][] hiddenSlopes(double[][] hidden) {
    double[][] slopes = new double[hidden.length][];
    for (int l = 0; l < hidden.length; l++) {
      slopes[l] = new double[hidden[l].length];
      for (int j = 0; j < hidden[l].length; j++) {
        slopes[l][j] = perHidden[l] * slope(hidden[l][j]) / base;
      }
    }
    return slopes;
  }

  /** Costs of a block's operators. */
  Operators operators(int l) {
    return operators.get(l);
  }

  static double probability(double t) {
    return 1 / (1 + StrictMath.exp(-t));
  }

  private static double open(double t) {
    return t > 0 ? 1 : 0;
  }

  /** d sigmoid(p - 0.5) / dt. */
  private static double slope(double t) {
    double p = probability(t);
    double s = probability(p - 0.5);
    return s * (1 - s) * p * (1 - p);
  }
}
