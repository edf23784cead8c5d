package dev.espalier.scheduler.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.scheduler.report.Evidence.Verdict;
import dev.espalier.scheduler.report.SweepResults.CellResult;
import dev.espalier.scheduler.report.SweepResults.Failure;
import dev.espalier.scheduler.report.SweepResults.TrialResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The numbers of the evidence against an example worked out by hand. */
class MarkdownReportTest {

  private final List<CellResult> cells = new ArrayList<>();
  private final List<TrialResult> trials = new ArrayList<>();

  @Test
  void pairsEachSeedWithTheControlsAndGivesStudentsInterval() {
    cell("random", 0.5, new double[] {0.30, 0.34, 0.32}, new double[] {0.80, 0.84, 0.82});
    CellResult nvit =
        cell("nvit", 0.5, new double[] {0.50, 0.54, 0.58}, new double[] {0.83, 0.86, 0.86});

    Statistic after = evidence().difference(nvit, Evidence.AFTER).orElseThrow();

    // Differences 3, 2 and 4 points: mean 3, deviation 1, half 4.303 / sqrt(3) = 2.484.
    assertThat(after.mean()).isCloseTo(0.03, within(1e-12));
    assertThat(after.deviation()).isCloseTo(0.01, within(1e-12));
    assertThat(after.count()).isEqualTo(3);
    assertThat(row("nvit"))
        // Before: 50, 54 and 58 %; differences 20, 20 and 26, mean 22, deviation 3.464.
        .contains("| 3 | 54.00 ± 4.00 | +22.00 [+13.39, +30.61] |")
        // After: mean 85 %, squares 4 + 1 + 1 over 2, deviation 1.732.
        .contains("| 85.00 ± 1.73 | +3.00 [+0.52, +5.48] |")
        .contains("| 3.27 M | 57.0 k | 1.20 | 1.60 | 1.40 | 1.80 |");
    assertThat(row("random")).contains("| 82.00 ± 2.00 | - |");
    assertThat(evidence().verdict(nvit, Evidence.AFTER)).isEqualTo(Verdict.ABOVE);
    assertThat(report()).contains("- Better than their control after recovery: `nvit` (0.5).");
  }

  @Test
  void saysWhatAPaperClaimsAndDoesNotShow() {
    cell("random", 0.5, new double[] {0.30, 0.34}, new double[] {0.80, 0.84});
    cell("random", 0.35, new double[] {0.20, 0.24}, new double[] {0.70, 0.71});
    CellResult vtp = cell("vtp", 0.5, new double[] {0.31, 0.33}, new double[] {0.81, 0.83});
    CellResult worse = cell("vtp", 0.35, new double[] {0.10, 0.14}, new double[] {0.50, 0.51});
    cell("magnitude", 0.5, new double[] {0.31, 0.33}, new double[] {0.81, 0.83});

    assertThat(evidence().verdict(vtp, Evidence.AFTER)).isEqualTo(Verdict.LEVEL);
    assertThat(evidence().verdict(worse, Evidence.AFTER)).isEqualTo(Verdict.BELOW);
    assertThat(report())
        .contains(
            "- Not to be told from their control after recovery, at these seeds: `vtp` (0.5).")
        .contains("- Worse than their control after recovery: `vtp` (0.35).")
        .as("controls claim nothing")
        .doesNotContain("`magnitude` (0.5)");
  }

  @Test
  void comparesTokensWithRandomTokensAndNothingAcrossBudgets() {
    cell("random", 0.5, new double[] {0.9, 0.9}, new double[] {0.9, 0.9});
    cell("random-tokens", 0.5, new double[] {0.5, 0.5}, new double[] {0.5, 0.6});
    CellResult tokens =
        cell("patch-slimming", 0.5, new double[] {0.6, 0.6}, new double[] {0.6, 0.7});
    CellResult width = cell("nvit", 0.35, new double[] {0.6, 0.6}, new double[] {0.6, 0.7});

    assertThat(evidence().difference(tokens, Evidence.AFTER).orElseThrow().mean())
        .isCloseTo(0.1, within(1e-12));
    assertThat(evidence().difference(width, Evidence.AFTER)).isEmpty();
    assertThat(evidence().verdict(width, Evidence.AFTER)).isEqualTo(Verdict.UNKNOWN);
  }

  @Test
  void leavesOutSeedsThatOnlyOneOfThemFinished() {
    cell("random", 0.5, new double[] {0.3, 0.3, 0.3}, new double[] {0.80, 0.84, 0.82});
    CellResult nvit = cell("nvit", 0.5, new double[] {0.5, 0.5}, new double[] {0.83, 0.86});

    assertThat(evidence().difference(nvit, Evidence.AFTER).orElseThrow().count()).isEqualTo(2);
  }

  @Test
  void givesNoIntervalForOneSeedAndSaysWhichFailed() {
    cell("random", 0.5, new double[] {0.3}, new double[] {0.80});
    cell("spvit", 0.5, new double[] {0.4}, new double[] {0.85});
    TrialResult last = trials.get(1);
    trials.add(
        new TrialResult(
            "t9",
            last.cellId(),
            "spvit",
            "none",
            "macs",
            0.5,
            9,
            "FAILED",
            List.of(),
            Map.of(),
            List.of(),
            List.of(),
            null,
            null,
            Map.of(),
            new Failure("SPEC", "NAN_LOSS", "loss is NaN | at step 3")));

    assertThat(row("spvit")).contains("| +5.00 [one seed] |");
    assertThat(report())
        .contains("- `spvit`, keep ratio 0.5, seed 9: NAN_LOSS, loss is NaN   at step 3")
        .contains("for want of seeds or of a control: `spvit` (0.5)");
  }

  @Test
  void tellsWhatExtraEpochsAloneDoToTheBase() {
    cell("base-extra-epochs", 1, new double[] {0.8712, 0.8712}, new double[] {0.8752, 0.8772});

    // The fixture's base has 87.12 %.
    assertThat(report())
        .contains("## Nothing cut")
        .contains("changes by +0.50 points (87.62 ± 0.14)");
  }

  @Test
  void namesTheCommandAndTheSweep() {
    cell("random", 0.5, new double[] {0.3}, new double[] {0.80});
    assertThat(report())
        .contains("./espalier report 3f2a9c1b7d604e58 --format markdown")
        .contains("\"seeds\" : [ 1, 2, 3 ]")
        .contains("2000 test images");
  }

  // ---- helpers ----

  private String row(String method) {
    return report()
        .lines()
        .filter(line -> line.startsWith("| `" + method + "` |"))
        .findFirst()
        .get();
  }

  private String report() {
    return MarkdownReport.write(results());
  }

  private Evidence evidence() {
    return new Evidence(results());
  }

  private SweepResults results() {
    SweepResults any = ReportFixture.results("any");
    return new SweepResults(
        any.sweep(), any.base(), cells, trials, List.of(), any.sharing(), any.conditions());
  }

  private CellResult cell(String method, double keepRatio, double[] before, double[] after) {
    String cellId = method + keepRatio;
    Map<String, List<Double>> values = new TreeMap<>();
    for (int i = 0; i < after.length; i++) {
      Map<String, Double> measured =
          Map.of(
              "top1_before_recovery", before[i],
              "top1_accuracy", after[i],
              "macs", 3_270_000.0,
              "params", 57_000.0,
              "speedup_batch1", 1.2,
              "speedup_throughput", 1.6,
              "onnx_speedup_batch1", 1.4,
              "onnx_speedup_throughput", 1.8);
      measured.forEach((name, v) -> values.computeIfAbsent(name, n -> new ArrayList<>()).add(v));
      trials.add(
          new TrialResult(
              cellId + i,
              cellId,
              method,
              "none",
              "macs",
              keepRatio,
              i + 1,
              "SUCCEEDED",
              List.of(),
              measured,
              List.of(),
              List.of(),
              null,
              null,
              Map.of(),
              null));
    }
    Map<String, Statistic> statistics = new TreeMap<>();
    values.forEach((name, list) -> statistics.put(name, Statistic.of(list)));
    CellResult cell =
        new CellResult(
            cellId, method, "none", "macs", keepRatio, after.length, after.length, statistics);
    cells.add(cell);
    return cell;
  }
}
