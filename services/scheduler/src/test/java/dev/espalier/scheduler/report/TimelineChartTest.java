package dev.espalier.scheduler.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.report.SweepResults.StageResult;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TimelineChartTest {

  private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

  private static StageResult stage(String id, String kind, double from, double to, boolean reused) {
    return new StageResult(
        id,
        kind,
        "nvit",
        1,
        1,
        "SUCCEEDED",
        kind.equals("SEARCH") ? 3 : 1,
        reused,
        1,
        to - from,
        "cpu",
        START.plusMillis(Math.round(1000 * from)),
        to < 0 ? null : START.plusMillis(Math.round(1000 * to)),
        Map.of());
  }

  private static SweepResults with(List<StageResult> stages) {
    SweepResults fixture = ReportFixture.results("timeline");
    return new SweepResults(
        fixture.sweep(),
        fixture.base(),
        fixture.cells(),
        fixture.trials(),
        stages,
        fixture.sharing(),
        fixture.conditions());
  }

  private static String draw(List<StageResult> stages) {
    return TimelineChart.draw(with(stages)).orElseThrow().toString();
  }

  @Test
  void putsStagesThatRanAtOnceOnLanesOfTheirOwn() {
    String svg =
        draw(
            List.of(
                stage("a", "SEARCH", 0, 10, false),
                stage("b", "FINETUNE", 5, 15, false),
                stage("c", "PRUNE", 10, 11, false)));
    assertThat(svg)
        .contains("<title>3 stages on 2 lanes in %s</title>".formatted(Figures.duration(15)));
    assertThat(svg)
        .contains(
            "search nvit, from %s for %s, for 3 trials"
                .formatted(Figures.duration(0), Figures.duration(10)));
    assertThat(svg)
        .contains(
            "finetune nvit, from %s for %s<".formatted(Figures.duration(5), Figures.duration(10)));
    assertThat(svg).containsPattern("class=\"s1\".*S search").doesNotContain("evaluate");
  }

  @Test
  void leavesOutWhatWasDoneBeforeAndWhatHasNoEnd() {
    assertThat(
            TimelineChart.draw(
                with(
                    List.of(stage("a", "SEARCH", 0, 10, true), stage("b", "PRUNE", 0, -1, false)))))
        .isEmpty();
  }

  @Test
  void drawsTheLongestOfTooMany() {
    List<StageResult> many = new ArrayList<>();
    for (int i = 0; i < TimelineChart.MOST_BARS + 50; i++) {
      many.add(stage("s" + i, "EVALUATE", i, i + (i < 50 ? 0.1 : 2), false));
    }
    assertThat(TimelineChart.shown(with(many)))
        .hasSize(TimelineChart.MOST_BARS)
        .allMatch(stage -> Integer.parseInt(stage.stageId().substring(1)) >= 50);
  }
}
