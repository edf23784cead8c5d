package dev.espalier.architecture.latency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;

class LatencyTableTest {

  private static final VitArchitecture BASE = VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384);
  private static final LatencyConditions CONDITIONS =
      new LatencyConditions("a processor", "djl", "fp32", 1, 64);
  private static final LatencyGrid GRID = LatencyGrid.of(BASE);

  /** A clock that knows: milliseconds of a model, attention and MLP one after the other. */
  private static double milliseconds(VitArchitecture vit) {
    double ms = 0.5;
    for (BlockShape block : vit.blocks()) {
      int d = vit.embedding();
      ms += 1e-4 * d * block.heads() * (2 * block.qkWidth() + 2 * block.vWidth());
      ms += 1e-4 * d * 2 * block.mlpHidden();
    }
    return ms;
  }

  private static LatencyTable table(ToDoubleFunction<VitArchitecture> clock) {
    return LatencyTable.of(
        CONDITIONS,
        GRID,
        GRID.attentionShapes().stream().mapToDouble(clock).toArray(),
        GRID.mlpShapes().stream().mapToDouble(clock).toArray());
  }

  @Test
  void gridsRunFromTheFloorsToTheBasesWidths() {
    assertThat(GRID.embedding()).containsExactly(16, 40, 72, 96);
    assertThat(GRID.heads()).containsExactly(1, 2, 3, 4);
    assertThat(GRID.qk()).containsExactly(8, 16, 24);
    assertThat(GRID.mlp()).containsExactly(16, 112, 200, 296, 384);
    assertThat(GRID.attentionShapes()).hasSize(144);
    assertThat(GRID.mlpShapes()).hasSize(20);
  }

  @Test
  void givesBackWhatWasMeasuredAtGridPointsAndAtTheBase() {
    LatencyTable table = table(LatencyTableTest::milliseconds);
    for (VitArchitecture shape : GRID.attentionShapes()) {
      assertThat(table.milliseconds(shape)).isCloseTo(milliseconds(shape), within(1e-9));
    }
    for (VitArchitecture shape : GRID.mlpShapes()) {
      assertThat(table.milliseconds(shape)).isCloseTo(milliseconds(shape), within(1e-9));
    }
    assertThat(table.milliseconds(BASE)).isCloseTo(milliseconds(BASE), within(1e-9));
    assertThat(table.keepRatio(BASE, BASE)).isEqualTo(1);
  }

  @Test
  void addsBlocksOfUnequalWidthsAndInterpolatesBetweenPoints() {
    LatencyTable table = table(LatencyTableTest::milliseconds);
    List<BlockShape> blocks = new ArrayList<>(BASE.blocks());
    blocks.set(1, BlockShape.msa(2, 12, 20, 150));
    blocks.set(4, BlockShape.msa(3, 8, 24, 32));
    VitArchitecture mixed = BASE.withWidths(96, blocks);
    assertThat(table.milliseconds(mixed)).isCloseTo(milliseconds(mixed), within(1e-9));
  }

  @Test
  void fewerUnitsAreNeverSlowerHoweverNoisyTheClock() {
    for (long seed = 0; seed < 5; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      LatencyTable table = table(vit -> milliseconds(vit) * random.nextDouble(0.5, 1.5));
      for (int trial = 0; trial < 300; trial++) {
        BlockShape wide =
            BlockShape.msa(
                random.nextInt(1, 5),
                random.nextInt(8, 25),
                random.nextInt(8, 25),
                random.nextInt(16, 385));
        int d = random.nextInt(16, 97);
        BlockShape narrow =
            BlockShape.msa(
                random.nextInt(1, wide.heads() + 1),
                random.nextInt(8, wide.qkWidth() + 1),
                random.nextInt(8, wide.vWidth() + 1),
                random.nextInt(16, wide.mlpHidden() + 1));
        assertThat(table.milliseconds(uniform(random.nextInt(16, d + 1), narrow)))
            .as("%s within %s, seed %d", narrow, wide, seed)
            .isLessThanOrEqualTo(table.milliseconds(uniform(d, wide)) + 1e-12);
      }
    }
  }

  private static VitArchitecture uniform(int d, BlockShape block) {
    return BASE.withWidths(d, Collections.nCopies(6, block));
  }

  /** A clock of blocks that get in each other's way, and of a start that no width shortens. */
  private static double crowded(VitArchitecture vit) {
    return 2 + Math.pow(milliseconds(vit), 1.2);
  }

  @Test
  void wholeModelsCorrectWhatTheSumOfBlocksMisses() {
    LatencyTable sums = table(LatencyTableTest::crowded);
    LatencyTable calibrated =
        sums.calibrated(
            GRID.wholeShapes().stream().mapToDouble(LatencyTableTest::crowded).toArray());
    double worstSum = 0;
    double worst = 0;
    SplittableRandom random = new SplittableRandom(11);
    for (int trial = 0; trial < 200; trial++) {
      List<BlockShape> blocks = new ArrayList<>();
      double share = random.nextDouble(0.2, 1);
      for (int l = 0; l < 6; l++) {
        double own = Math.min(1, share * random.nextDouble(0.8, 1.2));
        int q = (int) Math.max(8, 24 * own);
        blocks.add(BlockShape.msa((int) Math.max(1, 4 * own), q, q, (int) (16 + 368 * own)));
      }
      VitArchitecture cut = BASE.withWidths((int) (16 + 80 * share), blocks);
      double known = crowded(cut) / crowded(BASE);
      worstSum = Math.max(worstSum, Math.abs(sums.keepRatio(cut, BASE) / known - 1));
      worst = Math.max(worst, Math.abs(calibrated.keepRatio(cut, BASE) / known - 1));
    }
    assertThat(worstSum).as("off by the sum").isGreaterThan(0.15);
    assertThat(worst).as("off with whole models").isLessThan(0.6 * worstSum);
    assertThat(calibrated.milliseconds(BASE)).isCloseTo(crowded(BASE), within(1e-9));
  }

  @Test
  void wholeModelsRunFromNearTheFloorsToTheBase() {
    List<VitArchitecture> whole = GRID.wholeShapes();
    assertThat(whole).hasSize(8).doesNotHaveDuplicates();
    assertThat(whole.get(0)).isEqualTo(uniform(24, BlockShape.msa(1, 8, 8, 64)));
    assertThat(whole.get(7)).isEqualTo(BASE);
    assertThatThrownBy(() -> table(LatencyTableTest::milliseconds).calibrated(new double[] {1, 2}))
        .hasMessage("expected times of 8 whole models but found 2");
  }

  @Test
  void aCalibrationNeverFallsAndGoesOnInProportion() {
    Calibration calibration = Calibration.of(new double[] {4, 1, 2, 2}, new double[] {9, 3, 2, 2});
    assertThat(calibration.measured()).containsExactly(2.5, 2.5, 9.0);
    assertThat(calibration.at(0.5)).isEqualTo(1.25);
    assertThat(calibration.at(1.5)).isEqualTo(2.5);
    assertThat(calibration.at(3)).isEqualTo(5.75);
    assertThat(calibration.at(8)).isEqualTo(18);
    assertThat(Calibration.NONE.at(3)).isEqualTo(3);
  }

  @Test
  void isotonicRegressionIsTheNearestThatDoesNotFall() {
    // Violators are pooled to their mean; what is in order stays.
    assertThat(Isotonic.fit(List.of(6), new double[] {1, 3, 2, 4, 3, 5}))
        .containsExactly(1, 2.5, 2.5, 3.5, 3.5, 5);
    double[] ordered = {1, 2, 3, 2, 3, 4};
    assertThat(Isotonic.fit(List.of(2, 3), ordered)).containsExactly(ordered);
    // In two dimensions: the one violation shared by two equal paths spreads over three points.
    double[] fitted = Isotonic.fit(List.of(2, 2), new double[] {3, 0, 0, 3});
    assertThat(fitted[0]).isCloseTo(1, within(1e-6));
    assertThat(fitted[1]).isCloseTo(1, within(1e-6));
    assertThat(fitted[2]).isCloseTo(1, within(1e-6));
    assertThat(fitted[3]).isCloseTo(3, within(1e-6));
  }

  @Test
  void itsFileReadsBackEqual() {
    SplittableRandom random = new SplittableRandom(3);
    ToDoubleFunction<VitArchitecture> clock =
        vit -> milliseconds(vit) * random.nextDouble(0.8, 1.2);
    LatencyTable table =
        table(clock).calibrated(GRID.wholeShapes().stream().mapToDouble(clock).toArray());
    LatencyTable back = LatencyTable.fromJson(table.toJson());
    assertThat(back.toJson()).isEqualTo(table.toJson());
    assertThat(back.conditions()).isEqualTo(CONDITIONS);
    VitArchitecture cut = uniform(72, BlockShape.msa(2, 16, 16, 111));
    assertThat(back.milliseconds(cut)).isEqualTo(table.milliseconds(cut));
  }

  @Test
  void readsATableFromBeforeCalibration() {
    LatencyTable table = table(LatencyTableTest::milliseconds);
    String before =
        table
            .toJson()
            .replace("espalier.latency/2", "espalier.latency/1")
            .replace(",\"wholeMs\":[],\"wholeSumsMs\":[]", "");
    assertThat(before).doesNotContain("whole");
    assertThat(LatencyTable.fromJson(before).toJson()).isEqualTo(table.toJson());
  }

  @Test
  void refusesAFileThatIsNoTableNamingTheMember() {
    String json = table(LatencyTableTest::milliseconds).toJson();
    refuses(json.replace("espalier.latency/2", "espalier.latency/9"), "format");
    refuses(json.replace("\"wholeMs\":[]", "\"wholeMs\":[1]"), "sums of blocks");
    refuses(json.replace("\"wholeMs\":[]", "\"none\":[]"), "wholeMs");
    refuses(json.replace("\"batchSize\":64", "\"batchSize\":0"), "batchSize");
    refuses(json.replace("\"runtime\":\"djl\"", "\"runtime\":\"magic\""), "runtime");
    refuses(json.replace("\"heads\":[1,2,3,4]", "\"heads\":[1,2,4,3]"), "ascending");
    refuses(json.replace("\"heads\":[1,2,3,4]", "\"heads\":[1,2,3]"), "144");
    refuses(json.replaceFirst("\"mlpMs\":\\[0,", "\"mlpMs\":[9,"), "mlpMs");
    refuses(json.replaceFirst("\"mlpMs\":\\[0,", "\"mlpMs\":[\"x\","), "mlpMs[0]");
  }

  private static void refuses(String json, String named) {
    assertThatThrownBy(() -> LatencyTable.fromJson(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(named);
  }

  @Test
  void isForModelsWithAttentionOverAllTokensOnly() {
    List<BlockShape> blocks = new ArrayList<>(BASE.blocks());
    blocks.set(2, blocks.get(2).with(new TokenRule.Enter(List.of(0, 1, 2))));
    VitArchitecture drops = BASE.withWidths(96, blocks);
    assertThatThrownBy(() -> LatencyGrid.of(drops))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("block 2");
  }

  @Test
  void aLatencyTargetNeedsATable() {
    assertThatThrownBy(() -> Budget.of(TargetKind.LATENCY))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("table of measured latencies");
    LatencyTable table = table(LatencyTableTest::milliseconds);
    assertThat(LatencyTable.budget(TargetKind.LATENCY, Optional.of(table))).isSameAs(table);
    assertThat(LatencyTable.budget(TargetKind.MACS, Optional.of(table)).kind())
        .isEqualTo(TargetKind.MACS);
    assertThat(table.kind()).isEqualTo(TargetKind.LATENCY);
  }
}
