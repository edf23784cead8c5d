package dev.espalier.pruning.nvit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.latency.LatencyConditions;
import dev.espalier.architecture.latency.LatencyGrid;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.method.Chunk;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.Pool;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.nvit.GlobalRanking.ChunkSizes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** The latency-aware items of {@code methods/nvit.md} §10, against tables that are known. */
class LatencyAwareTest {

  private static final VitArchitecture WIDE = VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384);
  private static final ChunkSizes SIZES = new ChunkSizes(8, 1, 4, 4, 16);

  /** Linear times: so many seconds for each head, channel and hidden unit. */
  private static LatencyTable table(VitArchitecture base, double head, double qk, double mlp) {
    LatencyGrid grid = LatencyGrid.of(base);
    Function<VitArchitecture, Double> clock =
        vit -> {
          double seconds = 1e-3 + vit.embedding() * 1e-6;
          for (BlockShape block : vit.blocks()) {
            seconds +=
                block.heads() * head
                    + block.qkWidth() * qk
                    + block.vWidth() * 1e-7
                    + block.mlpHidden() * mlp;
          }
          return 1e3 * seconds;
        };
    return LatencyTable.of(
        new LatencyConditions("known", "djl", "fp32", 1, 1),
        grid,
        grid.attentionShapes().stream().mapToDouble(clock::apply).toArray(),
        grid.mlpShapes().stream().mapToDouble(clock::apply).toArray());
  }

  private static Map<Pool, float[]> scores(LiveUnits units, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<Pool, float[]> scores = new HashMap<>();
    for (Pool pool : units.pools()) {
      float[] of = new float[pool.width(units.base())];
      for (int i = 0; i < of.length; i++) {
        of[i] = (float) random.nextDouble();
      }
      scores.put(pool, of);
    }
    return scores;
  }

  @Test
  void gainsAreWhatOneUnitLessSaves() {
    LiveUnits units = new LiveUnits(WIDE);
    LatencyGain gain = new LatencyGain(table(WIDE, 1e-3, 1.7e-4, 1.2e-5), 5e-4, false);
    Map<Pool, Double> gains = gain.gains(units);
    assertThat(gains.get(new Pool(UnitKind.HEAD, 2))).isCloseTo(1e-3, within(1e-9));
    assertThat(gains.get(new Pool(UnitKind.QK, 0))).isCloseTo(1.7e-4, within(1e-9));
    assertThat(gains.get(new Pool(UnitKind.MLP, 5))).isCloseTo(1.2e-5, within(1e-9));
    Map<Pool, float[]> scores = scores(units, 1);
    // §12 d: eta 5e-4 takes 8.5e-8 from a query/key channel and 6e-9 from a hidden unit.
    Map<Pool, Double> costs = gain.of(units, scores::get);
    assertThat(costs.get(new Pool(UnitKind.QK, 0))).isCloseTo(8.5e-8, within(1e-12));
    assertThat(costs.get(new Pool(UnitKind.MLP, 5))).isCloseTo(6e-9, within(1e-12));
  }

  @Test
  void narrowPoolsGetNoReward() {
    LiveUnits units = new LiveUnits(WIDE);
    units.remove(new Pool(UnitKind.HEAD, 0), List.of(2, 3));
    units.remove(
        new Pool(UnitKind.QK, 1), java.util.stream.IntStream.range(8, 24).boxed().toList());
    Map<Pool, Double> gains =
        new LatencyGain(table(WIDE, 1e-3, 1.7e-4, 1.2e-5), 1, false).gains(units);
    assertThat(gains.get(new Pool(UnitKind.HEAD, 0))).isZero();
    assertThat(gains.get(new Pool(UnitKind.HEAD, 1))).isPositive();
    assertThat(gains.get(new Pool(UnitKind.QK, 1))).isZero();
  }

  @Test
  void etaZeroRanksAsPlainNvitAndAHugeOneTakesTheBestGainFirst() {
    LiveUnits units = new LiveUnits(WIDE);
    LatencyTable table = table(WIDE, 1e-3, 1e-5, 1e-6);
    for (boolean perMedian : new boolean[] {true, false}) {
      Map<Pool, float[]> scores = scores(units, 4);
      List<GlobalRanking.Ranked> plain =
          GlobalRanking.ofScores(SIZES, false).rank(units, scores::get);
      assertThat(
              new GlobalRanking(SIZES, false, new LatencyGain(table, 0, perMedian))
                  .rank(units, scores::get))
          .isEqualTo(plain);
      List<GlobalRanking.Ranked> huge =
          new GlobalRanking(SIZES, true, new LatencyGain(table, 1e9, perMedian))
              .rank(units, scores::get);
      // Six blocks with four heads each, of which at least one stays.
      assertThat(huge.subList(0, 18)).allMatch(r -> r.chunk().pool().kind() == UnitKind.HEAD);
      assertThat(huge.get(18).chunk().pool().kind()).isNotEqualTo(UnitKind.HEAD);
    }
  }

  @Test
  void etaPerMedianMeansTheSameOnASlowerDevice() {
    LiveUnits units = new LiveUnits(WIDE);
    Map<Pool, float[]> scores = scores(units, 8);
    LatencyGain fast = new LatencyGain(table(WIDE, 1e-3, 1e-5, 1e-6), 0.3, true);
    LatencyGain slow = new LatencyGain(table(WIDE, 1e-1, 1e-3, 1e-4), 0.3, true);
    Map<Pool, Double> expected = fast.of(units, scores::get);
    Map<Pool, Double> found = slow.of(units, scores::get);
    for (int block = 0; block < 6; block++) {
      for (UnitKind kind : List.of(UnitKind.HEAD, UnitKind.QK)) {
        Pool pool = new Pool(kind, block);
        double ratio = expected.get(pool) / expected.get(new Pool(UnitKind.MLP, block));
        assertThat(found.get(pool) / found.get(new Pool(UnitKind.MLP, block)))
            .isCloseTo(ratio, within(1e-6 * ratio));
      }
    }
    assertThat(new LatencyGain(table(WIDE, 1e-3, 1e-5, 1e-6), 0.6, true).of(units, scores::get))
        .allSatisfy(
            (pool, cost) -> assertThat(cost).isCloseTo(2 * expected.get(pool), within(1e-9)));
  }

  @Test
  void aLinkStopsAtItsLatencyTargetAndItsPlanMeetsIt() {
    VitArchitecture base = TrainedTinyVit.SHAPE;
    LatencyTable table = table(base, 2e-4, 1e-5, 1e-5);
    SearchRequest request = latencyLink(0.8, 0.5).timedBy(table);
    try (NvitSearch search = new NvitSearch(request)) {
      NvitTest.finish(search);
      LiveUnits replayed = new LiveUnits(base);
      List<Chunk> all = search.pruning().removals().stream().flatMap(List::stream).toList();
      for (Chunk chunk : all.subList(0, all.size() - 1)) {
        replayed.remove(chunk.pool(), chunk.units());
      }
      assertThat(table.keepRatio(replayed.shape(), base)).as("the step before").isGreaterThan(0.8);
      Search.Result result = search.result();
      PruningPlan plan =
          Nvit.latencyAware()
              .plan(
                  new PlanRequest(
                      base,
                      result.importance(),
                      result.findings(),
                      TargetKind.LATENCY,
                      0.8,
                      Map.of("alignment", 4L),
                      Optional.of(table)));
      assertThat(table.keepRatio(plan.cutArchitecture(), base)).isBetween(0.7, 0.808);
    }
  }

  @Test
  void theTrajectoryKnowsEtaAndPlainOnesStayAsTheyWere() {
    LatencyTable table = table(TrainedTinyVit.SHAPE, 2e-4, 1e-5, 1e-5);
    try (NvitSearch aware = new NvitSearch(latencyLink(0.9, 0.25).timedBy(table));
        NvitSearch plain = new NvitSearch(NvitTest.link(1, 0.9))) {
      NvitTest.finish(aware);
      NvitTest.finish(plain);
      Trajectory.State state =
          Trajectory.read(TrainedTinyVit.SHAPE, aware.result().findings().orElseThrow()).state();
      assertThat(state.eta()).isEqualTo(new Trajectory.Eta(0.25, true));
      assertThat(plain.pruning().state()).doesNotContainKey("nvit.eta");
      PlanRequest without =
          PlanRequest.of(
              TrainedTinyVit.SHAPE,
              aware.result().importance(),
              aware.result().findings(),
              TargetKind.MACS,
              0.7,
              4);
      assertThatThrownBy(() -> Nvit.latencyAware().plan(without))
          .hasMessageContaining("needs a table of measured latencies");
    }
  }

  @Test
  void aLatencyAwareSearchNeedsATable() {
    assertThatThrownBy(() -> new NvitSearch(latencyLink(0.8, 0.5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("table of measured latencies");
  }

  private static SearchRequest latencyLink(double to, double eta) {
    Map<String, Object> parameters = new HashMap<>(NvitTest.link(1, to).parameters());
    parameters.put("targetKind", "latency");
    parameters.put("eta", eta);
    parameters.put("etaUnit", "median");
    return SearchRequest.of(TrainedTinyVit.weights(), parameters, 7).on(TrainedTinyVit.IMAGES);
  }
}
