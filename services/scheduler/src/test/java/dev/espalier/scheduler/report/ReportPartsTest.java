package dev.espalier.scheduler.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.architecture.method.Methods;
import dev.espalier.scheduler.report.SweepResults.CellResult;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class ReportPartsTest {

  @Test
  void theDocumentSurvivesItsJson() {
    SweepResults results = ReportFixture.results("Round trip");

    assertThat(ResultsJson.read(ResultsJson.write(results))).isEqualTo(results);
  }

  @Test
  void deviationIsThatOfASample() {
    Statistic statistic = Statistic.of(List.of(2.0, 4.0, 9.0));

    assertThat(statistic.mean()).isEqualTo(5.0);
    assertThat(statistic.deviation()).isCloseTo(Math.sqrt(13), within(1e-12));
    assertThat(Statistic.of(List.of(7.0)).deviation()).isZero();
  }

  @Test
  void numbersAreWrittenAlikeInEveryLocale() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      assertThat(Figures.count(681_610)).isEqualTo("682 k");
      assertThat(Figures.count(33_700_000)).isEqualTo("33.7 M");
      assertThat(Figures.percent(0.8412)).isEqualTo("84.1");
      assertThat(Figures.points(-0.0004)).isEqualTo("0.0");
      assertThat(Figures.points(-0.021)).isEqualTo("−2.1");
      assertThat(Figures.points(0.021)).isEqualTo("+2.1");
      assertThat(Figures.ratio(0.5)).isEqualTo("0.5");
      assertThat(Figures.ratio(1)).isEqualTo("1.0");
      assertThat(Figures.scientific(4.43e-6)).isEqualTo("4.4e−6");
      assertThat(Figures.duration(0.25)).isEqualTo("250\u00a0ms");
      assertThat(Figures.duration(402)).isEqualTo("6\u00a0min\u00a042\u00a0s");
      assertThat(Look.px(1.25)).contains(".");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void ticksAreRoundAndInsideTheAxis() {
    for (double[] range : new double[][] {{0.81, 0.87}, {3, 900}, {1e7, 3.3e7}, {5, 5}, {0, 0}}) {
      Axis axis = Axis.covering(DoubleStream.of(range), 0, 100, 5);
      assertThat(axis.ticks()).hasSizeBetween(2, 8);
      for (double tick : axis.ticks()) {
        assertThat(axis.at(tick)).isBetween(-1e-6, 100 + 1e-6);
        assertThat(tick / axis.step()).isCloseTo(Math.rint(tick / axis.step()), within(1e-6));
      }
    }
  }

  @Test
  void anAxisOfUnknownValuesIsStillAnAxis() {
    Axis axis = Axis.covering(DoubleStream.of(Double.NaN), 0, 100, 5);

    assertThat(axis.ticks()).isNotEmpty();
  }

  @Test
  void noTwoMethodsLookAlike() {
    List<CellResult> cells =
        Methods.names().stream()
            .map(name -> new CellResult(name, name, "none", "macs", 0.5, 1, 1, Map.of()))
            .toList();
    Look look = new Look(cells);

    assertThat(cells).hasSizeGreaterThan(14);
    assertThat(cells.stream().map(cell -> look.colour(cell.method()))).doesNotHaveDuplicates();
  }
}
