package dev.espalier.scheduler.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.scheduler.report.SweepResults.CellResult;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FindingsTest {

  @Test
  void knowsAnIntervalByStudentsT() {
    Interval interval = Interval.of(Statistic.of(List.of(0.70, 0.72, 0.74)));

    // 0.72 ± 4.303 * 0.02 / sqrt(3)
    assertThat(interval.low()).isCloseTo(0.72 - 0.049687, within(1e-5));
    assertThat(interval.high()).isCloseTo(0.72 + 0.049687, within(1e-5));
    assertThat(Interval.of(Statistic.of(List.of(0.7))).isKnown()).isFalse();
  }

  @Test
  void namesAWinnerWhereTheIntervalsAreApart() {
    String text = findings(cell("nvit", 0.85, 0.851, 0.852), cell("random", 0.70, 0.701, 0.702));

    assertThat(text)
        .contains("is the most accurate")
        .contains("n = 3, 95 %")
        .doesNotContain("No winner");
  }

  @Test
  void namesNoneWhereTheyOverlapOrAreUnknown() {
    assertThat(findings(cell("nvit", 0.85, 0.80, 0.90), cell("random", 0.84, 0.79, 0.89)))
        .contains("has the highest mean")
        .contains("No winner");
    assertThat(findings(cell("nvit", 0.85), cell("random", 0.10)))
        .contains("n = 1, no interval")
        .contains("No winner");
  }

  @Test
  void goesFromTheLargestBudgetToTheSmallest() {
    String text = findings(at("nvit", 0.65, 0.9), at("nvit", 0.35, 0.7), at("nvit", 0.5, 0.8));

    assertThat(text).containsSubsequence("At 65 %", "At 50 %", "At 35 %");
  }

  private static String findings(CellResult... cells) {
    SweepResults any = ReportFixture.results("any");
    return Findings.draw(
            new SweepResults(
                any.sweep(),
                any.base(),
                List.of(cells),
                any.trials(),
                any.stages(),
                any.sharing(),
                any.conditions()))
        .toString();
  }

  private static CellResult at(String method, double keepRatio, double top1) {
    return cell(method, keepRatio, new Double[] {top1});
  }

  private static CellResult cell(String method, Double... top1) {
    return cell(method, 0.5, top1);
  }

  private static CellResult cell(String method, double keepRatio, Double[] top1) {
    return new CellResult(
        method,
        method,
        "none",
        "macs",
        keepRatio,
        top1.length,
        top1.length,
        Map.of("top1_accuracy", Statistic.of(List.of(top1))));
  }
}
