package dev.espalier.pruning.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.Alignment;
import dev.espalier.architecture.method.Floors;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ImportanceFile;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.control.BaseExtraEpochs;
import dev.espalier.pruning.control.SmallFromScratch;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.magnitude.Magnitude;
import dev.espalier.pruning.random.RandomUnits;
import dev.espalier.pruning.surgery.Cut;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ControlsTest {

  private static final VitArchitecture DEMO = VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384);

  @Test
  void plansMeetTheirBudgetOnAnyArchitecture() {
    Random random = new Random(1);
    for (int i = 0; i < 300; i++) {
      VitArchitecture vit = architecture(random);
      int alignment = List.of(1, 4, 8, 16).get(random.nextInt(4));
      TargetKind kind = TargetKind.values()[random.nextInt(2)];
      double least = leastKeepRatio(vit, kind, alignment);
      double keepRatio = least + (1 - least) * random.nextDouble();
      Importance importance = scores(new RandomUnits(), TinyVit.weights(vit, i), i);

      PruningPlan plan =
          new RandomUnits()
              .plan(PlanRequest.of(vit, importance, Optional.empty(), kind, keepRatio, alignment));

      double target = keepRatio * Cost.of(vit).of(kind);
      double allowed =
          Math.max(
              BudgetSolver.TOLERANCE * target, smallestStep(plan, kind, alignment, target) / 2.0);
      assertThat(Math.abs(plan.cost().of(kind) - target))
          .as("plan %d of %s at %s", i, vit, keepRatio)
          .isLessThanOrEqualTo(allowed + 1);
      assertWidthsAreAllowed(plan, alignment);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.9, 0.7, 0.5, 0.35, 0.2})
  void theDemoModelIsCutToWithinOnePercent(double keepRatio) {
    Importance importance = scores(new Magnitude(), TinyVit.weights(DEMO, 1), 0);

    PruningPlan plan =
        new Magnitude()
            .plan(
                PlanRequest.of(DEMO, importance, Optional.empty(), TargetKind.MACS, keepRatio, 8));

    assertThat(plan.cost().keepRatio(Cost.of(DEMO), TargetKind.MACS) / keepRatio)
        .isBetween(0.99, 1.01);
  }

  @Test
  void keepsEverythingAtAKeepRatioOfOne() {
    Importance importance = scores(new Magnitude(), TinyVit.weights(DEMO, 1), 0);

    assertThat(
            new Magnitude()
                .plan(PlanRequest.of(DEMO, importance, Optional.empty(), TargetKind.MACS, 1.0, 8)))
        .isEqualTo(PruningPlan.identity(DEMO));
  }

  @Test
  void namesTheLeastKeepRatioWhereATargetIsBelowTheFloors() {
    Importance importance = scores(new Magnitude(), TinyVit.weights(DEMO, 1), 0);

    assertThatThrownBy(
            () ->
                new Magnitude()
                    .plan(
                        PlanRequest.of(
                            DEMO, importance, Optional.empty(), TargetKind.MACS, 0.001, 8)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("keep ratio of macs must be at least 0.01")
        .hasMessageContaining("but is 0.001");
    for (double keepRatio : new double[] {0, 1.5, Double.NaN, -1}) {
      assertThatThrownBy(
              () ->
                  new Magnitude()
                      .plan(
                          PlanRequest.of(
                              DEMO, importance, Optional.empty(), TargetKind.MACS, keepRatio, 8)))
          .hasMessageContaining("keep ratio must be in (0, 1]");
    }
  }

  @Test
  void keepsTheUnitsOfTheLargestNorms() {
    VitWeights weights = TinyVit.weights(TrainedTinyVit.SHAPE, 4);
    float[] fc1 = weights.tensor("blocks.1.mlp.fc1.weight").values();
    float[] fc2 = weights.tensor("blocks.1.mlp.fc2.weight").values();
    for (int unit = 0; unit < 64; unit++) {
      for (int j = 0; j < 32; j++) {
        float scale = unit % 2 == 0 ? 0.01f : 1;
        fc1[unit * 32 + j] *= scale;
        fc2[j * 64 + unit] *= scale;
      }
    }
    Importance importance = scores(new Magnitude(), weights, 0);

    PruningPlan plan =
        new Magnitude()
            .plan(
                PlanRequest.of(
                    weights.architecture(), importance, Optional.empty(), TargetKind.MACS, 0.6, 8));

    List<Integer> kept = plan.blocks().get(1).mlp();
    assertThat(kept).hasSizeBetween(32, 56);
    assertThat(kept.stream().filter(unit -> unit % 2 == 1)).hasSize(32);
  }

  @Test
  void randomWidthsAreThoseOfTheMagnitudeControl() {
    VitWeights weights = TinyVit.weights(DEMO, 2);

    PruningPlan magnitude =
        new Magnitude()
            .plan(
                PlanRequest.of(
                    DEMO,
                    scores(new Magnitude(), weights, 0),
                    Optional.empty(),
                    TargetKind.MACS,
                    0.5,
                    8));
    PruningPlan random =
        new RandomUnits()
            .plan(
                PlanRequest.of(
                    DEMO,
                    scores(new RandomUnits(), weights, 9),
                    Optional.empty(),
                    TargetKind.MACS,
                    0.5,
                    8));

    assertThat(random.cutArchitecture()).isEqualTo(magnitude.cutArchitecture());
    assertThat(random).isNotEqualTo(magnitude);
  }

  @Test
  void aSeedGivesTheSameRandomScores() {
    VitWeights weights = TinyVit.weights(DEMO, 2);

    assertThat(scores(new RandomUnits(), weights, 3))
        .isEqualTo(scores(new RandomUnits(), weights, 3))
        .isNotEqualTo(scores(new RandomUnits(), weights, 4));
  }

  @Test
  void aModelFromScratchHasTheWidthsOfMagnitudeAndWeightsOfItsSeedAlone() {
    VitWeights base = TinyVit.weights(DEMO, 2);
    Search.Result found = found(new SmallFromScratch(), base, 3);
    PruningPlan plan =
        new SmallFromScratch()
            .plan(
                PlanRequest.of(
                    DEMO, found.importance(), Optional.empty(), TargetKind.MACS, 0.5, 8));
    Importance norms = scores(new Magnitude(), base, 0);
    PruningPlan magnitude =
        new Magnitude()
            .plan(PlanRequest.of(DEMO, norms, Optional.empty(), TargetKind.MACS, 0.5, 8));
    assertThat(plan.cutArchitecture()).isEqualTo(magnitude.cutArchitecture());

    VitWeights fresh = found.weights().orElseThrow();
    assertThat(Cut.apply(fresh, plan).architecture()).isEqualTo(plan.cutArchitecture());
    String name = "blocks.3.mlp.fc1.weight";
    float[] drawn = fresh.tensor(name).values();
    VitWeights other = TinyVit.weights(DEMO, 8);
    assertThat(
            found(new SmallFromScratch(), other, 3).weights().orElseThrow().tensor(name).values())
        .as("the base's weights play no part")
        .isEqualTo(drawn);
    assertThat(found(new SmallFromScratch(), base, 4).weights().orElseThrow().tensor(name).values())
        .isNotEqualTo(drawn);
  }

  @Test
  void theBaseWithExtraEpochsIsCutNowhere() {
    BaseExtraEpochs control = new BaseExtraEpochs();
    Importance none = scores(control, TinyVit.weights(DEMO, 2), 1);
    assertThat(control.plan(PlanRequest.of(DEMO, none, Optional.empty(), TargetKind.MACS, 1.0, 1)))
        .isEqualTo(PruningPlan.identity(DEMO));
    assertThatThrownBy(
            () ->
                control.plan(
                    PlanRequest.of(DEMO, none, Optional.empty(), TargetKind.PARAMS, 0.5, 1)))
        .hasMessage(
            "keep ratio of params must be 1, as base-extra-epochs cuts nothing, but is 0.5");
  }

  @Test
  void scoresSurviveTheirFile() {
    Importance importance = scores(new Magnitude(), TinyVit.weights(DEMO, 2), 0);

    assertThat(ImportanceFile.read(ImportanceFile.write(importance, "magnitude@1")))
        .isEqualTo(importance);
  }

  // ---- helpers ----

  static Importance scores(PruningMethod method, VitWeights weights, long seed) {
    return found(method, weights, seed).importance();
  }

  private static Search.Result found(PruningMethod method, VitWeights weights, long seed) {
    try (Search search = method.search(SearchRequest.of(weights, Map.of(), seed))) {
      while (!search.finished()) {
        search.step();
      }
      return search.result();
    }
  }

  private static VitArchitecture architecture(Random random) {
    int patches = 2 + random.nextInt(4);
    int heads = 1 + random.nextInt(4);
    int d = heads * 4 * (2 + random.nextInt(8));
    List<BlockShape> blocks = new ArrayList<>();
    int depth = 1 + random.nextInt(5);
    for (int l = 0; l < depth; l++) {
      blocks.add(
          BlockShape.msa(
              1 + random.nextInt(4),
              4 + random.nextInt(30),
              4 + random.nextInt(30),
              8 + random.nextInt(200)));
    }
    return new VitArchitecture(4 * patches, 4, 1, 10, 1, d, d / heads, 1e-6, blocks);
  }

  /** The least that allowed widths leave. */
  private static double leastKeepRatio(VitArchitecture vit, TargetKind kind, int alignment) {
    LiveUnits units = new LiveUnits(vit);
    for (Pool pool : units.pools()) {
      int least = Alignment.widths(pool.kind(), pool.width(vit), alignment).get(0);
      List<Integer> all = units.units(pool);
      units.remove(pool, all.subList(least, all.size()));
    }
    return units.cost().keepRatio(Cost.of(vit), kind);
  }

  /** Cost of the cheapest step towards the target. */
  private static double smallestStep(
      PruningPlan plan, TargetKind kind, int alignment, double target) {
    LiveUnits units = live(plan);
    long cost = units.cost().of(kind);
    long smallest = Long.MAX_VALUE;
    for (Pool pool : units.pools()) {
      List<Integer> widths = Alignment.widths(pool.kind(), pool.width(plan.base()), alignment);
      int to = widths.indexOf(units.count(pool)) + (cost > target ? -1 : 1);
      if (to >= 0 && to < widths.size()) {
        int less = units.count(pool) - widths.get(to);
        smallest =
            Math.min(smallest, Math.abs(cost - Cost.of(units.shapeWithout(pool, less)).of(kind)));
      }
    }
    return smallest;
  }

  private static LiveUnits live(PruningPlan plan) {
    LiveUnits units = new LiveUnits(plan.base());
    for (Pool pool : units.pools()) {
      List<Integer> out = units.units(pool);
      out.removeAll(kept(plan, pool));
      units.remove(pool, out);
    }
    return units;
  }

  private static List<Integer> kept(PruningPlan plan, Pool pool) {
    BlockPlan block = plan.blocks().get(Math.max(0, pool.block()));
    return switch (pool.kind()) {
      case EMBEDDING -> plan.embedding();
      case HEAD -> block.headIndices();
      case QK -> block.heads().get(0).qk();
      case V -> block.heads().get(0).v();
      default -> block.mlp();
    };
  }

  private static void assertWidthsAreAllowed(PruningPlan plan, int alignment) {
    LiveUnits units = live(plan);
    for (Pool pool : units.pools()) {
      int width = pool.width(plan.base());
      int left = units.count(pool);
      assertThat(Alignment.widths(pool.kind(), width, alignment)).contains(left);
      assertThat(left).isGreaterThanOrEqualTo(Floors.of(pool.kind(), width));
    }
    for (BlockPlan block : plan.blocks()) {
      Set<List<Integer>> channels = new HashSet<>();
      block.heads().forEach((HeadPlan head) -> channels.add(head.qk()));
      assertThat(channels).as("all heads of a block keep the same channels").hasSize(1);
    }
  }
}
