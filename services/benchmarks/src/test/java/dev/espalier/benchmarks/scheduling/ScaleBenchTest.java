package dev.espalier.benchmarks.scheduling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The smallest forms: that they measure what they say, not how fast this machine is. */
class ScaleBenchTest {

  private static final int FEW_POINTS = 80_000;

  @Test
  void measuresAssignmentsOfEveryStage() throws Exception {
    Map<String, Object> figures =
        ScaleBench.run(
            "assign", ScaleOptions.parse(new String[] {"--cells", "20", "--workers", "8"}));

    assertThat(figures)
        .containsEntry("cells", 20)
        .containsEntry("workers", 8)
        .containsEntry("assignments", 61);
    assertThat(
            List.of(
                "assignments_per_s",
                "committed_p50_ms",
                "committed_p99_ms",
                "received_p50_ms",
                "received_p99_ms"))
        .allSatisfy(name -> assertThat((Double) figures.get(name)).as(name).isPositive());
    assertThat((Double) figures.get("received_p50_ms"))
        .as("a worker hears of what is committed")
        .isGreaterThan((Double) figures.get("committed_p50_ms"));
  }

  @Test
  void rebuildsCopiedHistoriesToTheSameTables() throws Exception {
    Map<String, Object> figures =
        ScaleBench.run("replay", ScaleOptions.parse(new String[] {"--cells", "60"}));

    assertThat(figures).containsEntry("equal", true).containsEntry("streams", 3L * (1 + 20 + 61));
  }

  @Test
  void asksEveryQueryOfTheBoardsForRows() throws Exception {
    Map<String, Object> figures;
    try (ScalePlatform platform = new ScalePlatform()) {
      figures =
          BoardsBench.run(platform, ScaleOptions.parse(new String[] {"--cells", "60"}), FEW_POINTS);
    }

    assertThat((Long) figures.get("points")).isBetween(FEW_POINTS * 9L / 10, (long) FEW_POINTS);
    assertThat((Integer) figures.get("panels")).isGreaterThan(30);
    // No trial of the synthetic sweep failed.
    assertThat(figures).containsEntry("without_rows", "sweep / Failures by reason");
  }

  @Test
  void namesEveryWrongOption() {
    assertThatThrownBy(() -> ScaleOptions.parse(new String[] {"--cells", "1", "--workers", "many"}))
        .hasMessage("--workers must be an integer but is many");
    assertThatThrownBy(() -> ScaleOptions.parse(new String[] {"--cells", "1", "--rate", "0"}))
        .hasMessage("--cells must be 20..100000 but is 1; --rate must be 1..10000 but is 0");
  }

  @Test
  void takesPercentilesByTheNearestRank() {
    List<Double> values = List.of(4.0, 1.0, 3.0, 2.0);
    assertThat(Tail.percentile(values, 0.5)).isEqualTo(2.0);
    assertThat(Tail.percentile(values, 0.99)).isEqualTo(4.0);
    assertThat(Tail.percentile(List.of(), 0.5)).isNaN();
  }
}
