package dev.espalier.scheduler.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.report.ScatterChart.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ScatterChartTest {

  private static final double[] CLOSE = {0.85, 0.855, 0.86, 0.862, 0.865, 0.87, 0.872, 0.875, 0.88};

  @Test
  void aPointFarBelowPressesTheOthersNotTogether() {
    String chart = draw(0.42, 9.5);

    assertThat(lowestTick(chart)).as("the others fill the axis").isGreaterThan(80);
    assertThat(chart).contains("mark below", "what 0.42 is", ">42.0 %</text>");
    assertThat(marks(chart)).isEqualTo(CLOSE.length + 1);
  }

  @Test
  void aPointOfTheFrontIsDrawnInItsPlaceHoweverLowItIs() {
    String chart = draw(0.42, 0.5);

    assertThat(lowestTick(chart)).isLessThanOrEqualTo(42);
    assertThat(chart).doesNotContain("below");
    assertThat(marks(chart)).isEqualTo(CLOSE.length + 1);
  }

  @Test
  void fewPointsAreAllDrawnInTheirPlaces() {
    String chart =
        ScatterChart.draw("t", "c", List.of(point(1, 0.9), point(2, 0.9), point(3, 0.1)))
            .toString();

    assertThat(chart).doesNotContain("below");
  }

  private static String draw(double outlier, double cost) {
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < CLOSE.length; i++) {
      points.add(point(i + 1, CLOSE[i]));
    }
    points.add(point(cost, outlier));
    return ScatterChart.draw("title", "cost", points).toString();
  }

  private static Point point(double cost, double accuracy) {
    return new Point("id", cost, accuracy, 0, "s0", "l", "what " + accuracy + " is", (x, y) -> "");
  }

  private static double lowestTick(String chart) {
    return Pattern.compile("tick end[^>]*>([0-9.]+)<")
        .matcher(chart)
        .results()
        .mapToDouble(tick -> Double.parseDouble(tick.group(1)))
        .min()
        .orElseThrow();
  }

  private static long marks(String chart) {
    return Pattern.compile("class=\"mark ").matcher(chart).results().count();
  }
}
