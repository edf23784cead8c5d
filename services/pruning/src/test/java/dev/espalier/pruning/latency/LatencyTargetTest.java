package dev.espalier.pruning.latency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.latency.LatencyConditions;
import dev.espalier.architecture.latency.LatencyGrid;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.redistribution.Redistributions;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.PruningMethods;
import dev.espalier.pruning.evaluation.Contender;
import dev.espalier.pruning.evaluation.LatencyMeasurement;
import dev.espalier.pruning.method.BudgetSolver;
import dev.espalier.pruning.method.Chunk;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.Pool;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.vit.VitInitializer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Targets of latency against tables whose times are known; nothing here looks at a clock. */
class LatencyTargetTest {

  private static final VitArchitecture BASE = VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384);

  /** Time on a device whose cores take 16 channels at once: a staircase with plateaus. */
  static double staircase(VitArchitecture vit) {
    double ms = 0.3;
    for (BlockShape block : vit.blocks()) {
      double d = Math.ceil(vit.embedding() / 16.0) * 16;
      double q = Math.ceil(block.qkWidth() / 16.0) * 16;
      double v = Math.ceil(block.vWidth() / 16.0) * 16;
      double m = Math.ceil(block.mlpHidden() / 64.0) * 64;
      ms += 1e-5 * d * (block.heads() * 2 * (q + v) + 2 * m) + 0.02;
    }
    return ms;
  }

  static LatencyTable table(VitArchitecture base) {
    LatencyGrid grid = LatencyGrid.of(base);
    return LatencyTable.of(
            new LatencyConditions("staircase", "djl", "fp32", 1, 1),
            grid,
            grid.attentionShapes().stream().mapToDouble(LatencyTargetTest::staircase).toArray(),
            grid.mlpShapes().stream().mapToDouble(LatencyTargetTest::staircase).toArray())
        .calibrated(
            grid.wholeShapes().stream().mapToDouble(LatencyTargetTest::staircase).toArray());
  }

  private static Importance importance(String method, VitWeights weights, long seed) {
    try (Search search =
        PruningMethods.get(method).search(SearchRequest.of(weights, Map.of(), seed))) {
      while (!search.finished()) {
        search.step();
      }
      return search.result().importance();
    }
  }

  private static PruningPlan plan(String method, long seed, double keepRatio, int alignment) {
    VitWeights weights = VitInitializer.weights(BASE, seed);
    Importance importance = importance(method, weights, seed);
    return PruningMethods.get(method)
        .plan(
            new PlanRequest(
                BASE,
                importance,
                Optional.empty(),
                TargetKind.LATENCY,
                keepRatio,
                Map.of("alignment", (long) alignment),
                Optional.of(table(BASE))));
  }

  @Test
  void aPlanMeetsItsLatencyTarget() {
    LatencyTable table = table(BASE);
    for (String method : List.of("magnitude", "random")) {
      for (double keepRatio : new double[] {0.9, 0.7, 0.5, 0.4}) {
        PruningPlan plan = plan(method, 5, keepRatio, 8);
        assertThat(table.keepRatio(plan.cutArchitecture(), BASE))
            .as("%s at %s", method, keepRatio)
            .isBetween(0.9 * keepRatio, 1.01 * keepRatio);
      }
    }
  }

  @Test
  void theNextLargerPlanIsAboveTheTarget() {
    LatencyTable table = table(BASE);
    for (long seed = 0; seed < 10; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      double keepRatio = random.nextDouble(0.4, 0.95);
      LiveUnits units = new LiveUnits(BASE);
      List<Chunk> order = shuffledChunks(units, random);
      new BudgetSolver(table, keepRatio).solve(units, order);
      long target = (long) (keepRatio * table.of(BASE));
      assertThat(units.cost(table)).isLessThanOrEqualTo((long) (1.01 * target));
      for (Pool pool : units.pools()) {
        List<Chunk> out =
            order.stream()
                .filter(chunk -> chunk.pool().equals(pool))
                .filter(chunk -> !units.isLive(pool, chunk.units().get(0)))
                .toList();
        if (out.isEmpty()) {
          continue;
        }
        List<Integer> last = out.get(out.size() - 1).units();
        units.revive(pool, last);
        assertThat(units.cost(table)).as("%s back, seed %d", pool, seed).isGreaterThan(target);
        units.remove(pool, last);
      }
    }
  }

  private static List<Chunk> shuffledChunks(LiveUnits units, SplittableRandom random) {
    List<List<Chunk>> pools = new ArrayList<>();
    for (Pool pool : units.pools()) {
      int size =
          switch (pool.kind()) {
            case HEAD -> 1;
            case MLP -> 16;
            default -> 8;
          };
      int width = pool.width(BASE);
      List<Chunk> chunks = new ArrayList<>();
      for (int from = width - size; from >= Math.max(size, 16); from -= size) {
        List<Integer> members = new ArrayList<>();
        for (int unit = from; unit < from + size; unit++) {
          members.add(unit);
        }
        chunks.add(new Chunk(pool, members));
      }
      pools.add(chunks);
    }
    List<Chunk> order = new ArrayList<>();
    while (pools.stream().anyMatch(chunks -> !chunks.isEmpty())) {
      List<Chunk> chunks = pools.get(random.nextInt(pools.size()));
      if (!chunks.isEmpty()) {
        order.add(chunks.remove(0));
      }
    }
    return order;
  }

  @Test
  void saysWhatLatencyIsLeastPossible() {
    assertThatThrownBy(() -> plan("magnitude", 1, 0.01, 8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("keep ratio of latency must be at least 0.")
        .hasMessageContaining("is 0.01");
  }

  @Test
  void refusesATargetWithoutATableAndATableOfAnotherBase() {
    Importance importance = importance("magnitude", VitInitializer.weights(BASE, 1), 1);
    PlanRequest without =
        PlanRequest.of(BASE, importance, Optional.empty(), TargetKind.LATENCY, 0.5, 8);
    assertThatThrownBy(() -> PruningMethods.get("magnitude").plan(without))
        .hasMessageContaining("needs a table of measured latencies");
    LatencyTable other = table(VitArchitecture.uniform(28, 4, 1, 10, 64, 6, 4, 256));
    assertThatThrownBy(
            () ->
                new PlanRequest(
                    BASE,
                    importance,
                    Optional.empty(),
                    TargetKind.LATENCY,
                    0.5,
                    Map.of(),
                    Optional.of(other)))
        .hasMessageContaining("must be of the base");
  }

  @Test
  void redistributionKeepsThePredictedLatencyWithinOnePercent() {
    LatencyTable table = table(BASE);
    PruningPlan pruned = plan("random", 3, 0.6, 8);
    Importance importance = importance("random", VitInitializer.weights(BASE, 3), 3);
    for (String policy : List.of("smooth", "nvit-trend")) {
      PruningPlan other = Redistributions.get(policy).redistribute(pruned, importance, table, 8);
      assertThat((double) table.of(other.cutArchitecture()) / table.of(pruned.cutArchitecture()))
          .as(policy)
          .isCloseTo(1, within(0.01));
    }
  }

  @Test
  void aMeasurementIsARatioToTheBaseInTheSameRound() {
    LatencyGrid grid = LatencyGrid.of(BASE);
    double[] drift = {1};
    LatencyMeasurement.Runtime runtime =
        weights ->
            new LatencyMeasurement.Loaded() {
              @Override
              public Contender contender() {
                return (pixels, batch, channels, side) ->
                    new Contender.Pass() {
                      @Override
                      public long nanoseconds() {
                        drift[0] *= 1.0001; // a machine that gets warmer all the time
                        return (long) (1e6 * drift[0] * staircase(weights.architecture()));
                      }

                      @Override
                      public void close() {}
                    };
              }

              @Override
              public void close() {}
            };
    LatencyConditions conditions = new LatencyConditions("warm", "djl", "fp32", 1, 1);
    int[] asked = {0};
    LatencyTable measured =
        new LatencyMeasurement(runtime, conditions, 5).measure(grid, () -> asked[0]++);
    LatencyTable known = table(BASE);
    assertThat(asked[0]).isEqualTo(LatencyMeasurement.shapes(grid));
    assertThat(drift[0]).as("the drift that was there").isGreaterThan(1.1);
    for (int d : new int[] {40, 72, 96}) {
      VitArchitecture cut =
          BASE.withWidths(d, Collections.nCopies(6, BlockShape.msa(3, 16, 24, 200)));
      assertThat(measured.keepRatio(cut, BASE)).isCloseTo(known.keepRatio(cut, BASE), within(0.01));
    }
  }
}
