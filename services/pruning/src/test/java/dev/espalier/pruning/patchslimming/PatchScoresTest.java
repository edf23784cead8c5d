package dev.espalier.pruning.patchslimming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.TrainedTinyVit;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The score against explicit sums over paths, {@code methods/patch-slimming.md} §10 and §12. */
class PatchScoresTest {

  private static final Offset<Double> EXACT = within(1e-9);

  private static final double[][] P_A = {{.5, .3, .2}, {.1, .8, .1}, {.2, .2, .6}};
  private static final double[][] P_B = {{.2, .2, .6}, {.3, .4, .3}, {.1, .3, .6}};

  private final NDManager manager = TrainedTinyVit.TENSORS.newManager();

  @AfterEach
  void close() {
    manager.close();
  }

  /** §12 a. */
  @Test
  void scoresOneHead() {
    NDArray own =
        heads(new double[][] {{.6, .2, .2}, {.3, .5, .2}, {.25, .25, .5}}); // (1, 1, 3, 3)
    NDArray entered = manager.create(new double[] {1, -1, 2, 0, 0, 3}, new Shape(1, 3, 2));

    double[] carried = PatchScores.carried(own, entered).toDoubleArray();
    double[] reach = PatchScores.reach(List.of(heads(rows(P_A, 0)))).toDoubleArray();

    assertThat(carried).containsExactly(new double[] {2.44, 2.5, 3.625}, EXACT);
    assertThat(reach).containsExactly(new double[] {.25, .09, .04}, EXACT);
    assertThat(product(reach, carried)).containsExactly(new double[] {.61, .225, .145}, EXACT);
  }

  /** §12 b: squared path by path, not on the average. */
  @Test
  void scoresTwoHeads() {
    NDArray behind = heads(rows(P_A, 0), rows(P_B, 0));
    double[] carried = {2.44, 2.5, 3.625};

    double[] reach = PatchScores.reach(List.of(behind)).toDoubleArray();
    double[] averaged = PatchScores.reach(List.of(PatchScores.averaged(behind))).toDoubleArray();

    assertThat(reach).containsExactly(new double[] {.145, .065, .2}, EXACT);
    assertThat(product(reach, carried)).containsExactly(new double[] {.3538, .1625, .725}, EXACT);
    assertThat(averaged).containsExactly(new double[] {.1225, .0625, .16}, EXACT);
    assertThat(product(averaged, carried))
        .containsExactly(new double[] {.2989, .15625, .58}, EXACT);
  }

  /** §12 c: the row of a dropped token counts nothing. */
  @Test
  void followsPathsThroughKeptTokensOnly() {
    NDArray nearest = heads(rows(P_B, 0, 1)); // m = (1, 1, 0)
    NDArray last = heads(new double[][] {{.5, .3}}); // m = (1, 0, 0), of the two that come

    double[] reach = PatchScores.reach(List.of(nearest, last)).toDoubleArray();

    assertThat(reach).containsExactly(new double[] {.0361, .0484, .1521}, EXACT);
  }

  /** §10.5: all H^3 paths, T = 5. */
  @Test
  void theRecursionIsTheSumOverAllPaths() {
    SplittableRandom random = new SplittableRandom(4);
    double[][][] near = {stochastic(random, 4, 5), stochastic(random, 4, 5)};
    double[][][] middle = {stochastic(random, 2, 4), stochastic(random, 2, 4)};
    double[][][] far = {stochastic(random, 1, 2), stochastic(random, 1, 2)};

    double[] expected = new double[5];
    for (double[][] c : far) {
      for (double[][] b : middle) {
        for (double[][] a : near) {
          double[][] path = times(c, times(b, a));
          for (double[] row : path) {
            for (int i = 0; i < 5; i++) {
              expected[i] += row[i] * row[i] / 8;
            }
          }
        }
      }
    }

    double[] found =
        PatchScores.reach(List.of(heads(near), heads(middle), heads(far))).toDoubleArray();
    assertThat(found).containsExactly(expected, within(1e-12));
  }

  /** §10.6. */
  @Test
  void aTokenThatNobodyAttendsToReachesNothing() {
    double[][] blind = {{.5, 0, .5}, {.3, 0, .7}, {1, 0, 0}};
    NDArray last = heads(rows(P_A, 0), rows(P_B, 0));
    double[] reach = PatchScores.reach(List.of(heads(blind, blind), last)).toDoubleArray();
    assertThat(reach[1]).isZero();
    assertThat(reach[0]).isPositive();
    assertThat(reach[2]).isPositive();
  }

  /** §10.7. */
  @Test
  void identityAttentionReachesKeptTokensAlone() {
    double[][] first = {{1, 0, 0, 0}, {0, 0, 1, 0}}; // outputs 0 and 2 of 4
    double[][] second = {{1, 0}, {0, 1}};
    double[] reach =
        PatchScores.reach(List.of(heads(first, first), heads(second, second))).toDoubleArray();
    assertThat(reach).containsExactly(1, 0, 1, 0);
  }

  /** §12 d. */
  @Test
  void costsWhatRectangularAttentionCosts() {
    BlockShape block = BlockShape.msa(2, 2, 2, 8);
    VitArchitecture whole = new VitArchitecture(4, 2, 1, 1, 1, 4, 2, 1e-6, List.of(block, block));
    VitArchitecture slim =
        whole.withWidths(4, List.of(block, block.with(new TokenRule.Leave(List.of(0, 3)))));
    assertThat(Cost.of(whole).macs() - Cost.of(slim).macs()).isEqualTo(840 - 432);
  }

  // ---- helpers ----

  private static double[][] rows(double[][] matrix, int... kept) {
    return Arrays.stream(kept).mapToObj(row -> matrix[row]).toArray(double[][]::new);
  }

  private static double[] product(double[] a, double[] b) {
    double[] product = new double[a.length];
    Arrays.setAll(product, i -> a[i] * b[i]);
    return product;
  }

  private static double[][] stochastic(SplittableRandom random, int rows, int columns) {
    double[][] matrix = new double[rows][columns];
    for (double[] row : matrix) {
      Arrays.setAll(row, i -> random.nextDouble());
      double sum = Arrays.stream(row).sum();
      Arrays.setAll(row, i -> row[i] / sum);
    }
    return matrix;
  }

  private static double[][] times(double[][] a, double[][] b) {
    double[][] product = new double[a.length][b[0].length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < b[0].length; j++) {
        for (int k = 0; k < b.length; k++) {
          product[i][j] += a[i][k] * b[k][j];
        }
      }
    }
    return product;
  }

  /** Attention of one image, (1, H, out, in). */
  private NDArray heads(double[][]... heads) {
    double[] flat =
        Arrays.stream(heads).flatMap(Arrays::stream).flatMapToDouble(Arrays::stream).toArray();
    return manager.create(flat, new Shape(1, heads.length, heads[0].length, heads[0][0].length));
  }
}
