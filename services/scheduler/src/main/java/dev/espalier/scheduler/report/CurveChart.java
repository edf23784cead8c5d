package dev.espalier.scheduler.report;

import static dev.espalier.scheduler.report.Look.px;
import static java.util.Comparator.comparingDouble;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Accuracy over epochs: one line per configuration, its spread over seeds as a band. */
final class CurveChart {

  private static final double WIDTH = 520;
  private static final double HEIGHT = 300;
  private static final double LEFT = 46;
  private static final double RIGHT = 396;
  private static final double TOP = 14;
  private static final double BOTTOM = 252;
  private static final double LINE_HEIGHT = 14;

  /**
   * A line.
   *
   * @param byEpoch accuracy over the seeds, in order of epochs
   * @param shade CSS class of its colour
   * @param dash dash pattern
   */
  record Line(String label, String shade, String dash, Map<Integer, Statistic> byEpoch) {}

  private CurveChart() {}

  /**
   * @param base accuracy of the base model, NaN where unknown
   */
  static Markup draw(String title, List<Line> lines, double base, Axis y, int epochs) {
    Axis vertical = new Axis(y.low(), y.high(), y.step(), BOTTOM, TOP);
    Axis x = Axis.exactly(0, Math.max(1, epochs), LEFT, RIGHT, Math.min(6, Math.max(1, epochs)));
    Markup svg = new Markup();
    svg.raw("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 %s %s\"", WIDTH, HEIGHT)
        .raw(" xmlns=\"http://www.w3.org/2000/svg\"><title>")
        .text(title)
        .raw("</title>");
    for (double tick : vertical.ticks()) {
      svg.raw("<line class=\"grid\" x1=\"%s\" x2=\"%s\"", px(LEFT), px(RIGHT))
          .raw(" y1=\"%s\" y2=\"%s\"/>", px(vertical.at(tick)), px(vertical.at(tick)))
          .raw("<text class=\"tick end\" x=\"%s\"", px(LEFT - 7))
          .raw(" y=\"%s\">%s</text>", px(vertical.at(tick) + 4), Figures.tick(tick, y.step()));
    }
    for (double tick : x.ticks()) {
      if (tick == Math.rint(tick)) {
        svg.raw("<text class=\"tick mid\" x=\"%s\"", px(x.at(tick)))
            .raw(" y=\"%s\">%s</text>", px(BOTTOM + 17), (long) tick);
      }
    }
    svg.raw("<path class=\"axis\" d=\"M%s %sV%sH%s\"/>", LEFT, TOP, BOTTOM, RIGHT)
        .raw("<text class=\"label mid\" x=\"%s\"", px((LEFT + RIGHT) / 2))
        .raw(" y=\"%s\">Epochs of recovery (0: right after the cut)</text>", HEIGHT - 12)
        .raw("<text class=\"label mid\" transform=\"translate(11 %s)", px((TOP + BOTTOM) / 2))
        .raw(" rotate(-90)\">Validation top-1, %</text>");
    List<Label> labels = new ArrayList<>();
    if (!Double.isNaN(base)) {
      double at = vertical.at(base * 100);
      svg.raw("<path class=\"baseline\" d=\"M%s %sH%s\"/>", LEFT, px(at), RIGHT);
      labels.add(new Label("base (test)", "muted", at));
    }
    for (Line line : lines) {
      line(svg, line, x, vertical).ifPresent(labels::add);
    }
    labels(svg, labels);
    return svg.raw("</svg>");
  }

  private record Label(String text, String shade, double y) {}

  private static java.util.Optional<Label> line(Markup svg, Line line, Axis x, Axis y) {
    if (line.byEpoch.isEmpty()) {
      return java.util.Optional.empty();
    }
    StringBuilder mean = new StringBuilder();
    StringBuilder upper = new StringBuilder();
    StringBuilder lower = new StringBuilder();
    double last = 0;
    for (Map.Entry<Integer, Statistic> entry : line.byEpoch.entrySet()) {
      Statistic accuracy = entry.getValue();
      String at = px(x.at(entry.getKey()));
      last = y.at(accuracy.mean() * 100);
      mean.append(mean.isEmpty() ? "M" : "L").append(at).append(" ").append(px(last));
      upper
          .append(upper.isEmpty() ? "M" : "L")
          .append(at + " " + px(y.at((accuracy.mean() + accuracy.deviation()) * 100)));
      lower.insert(0, "L" + at + " " + px(y.at((accuracy.mean() - accuracy.deviation()) * 100)));
    }
    svg.raw("<g class=\"%s\">", line.shade);
    if (line.byEpoch.values().stream().anyMatch(s -> s.deviation() > 0)) {
      svg.raw("<path class=\"band\" d=\"%s\"/>", upper.append(lower).append("Z"));
    }
    svg.raw("<path class=\"curve\" stroke-dasharray=\"%s\" d=\"%s\"/>", line.dash, mean);
    line.byEpoch.forEach(
        (epoch, s) -> {
          svg.raw("<circle class=\"node\" r=\"2.6\" cx=\"%s\"", px(x.at(epoch)))
              .raw(" cy=\"%s\"><title>", px(y.at(s.mean() * 100)))
              .text(
                  "%s, epoch %d: %s %%%s"
                      .formatted(
                          line.label,
                          epoch,
                          Figures.percent(s.mean()),
                          s.count() > 1
                              ? " ± %s over %d seeds"
                                  .formatted(Figures.percent(s.deviation()), s.count())
                              : ""))
              .raw("</title></circle>");
        });
    svg.raw("</g>");
    return java.util.Optional.of(new Label(line.label, line.shade, last));
  }

  /** Labels at the lines' ends, pushed apart until none touches its neighbour. */
  private static void labels(Markup svg, List<Label> labels) {
    List<Label> sorted = labels.stream().sorted(comparingDouble(Label::y)).toList();
    double[] at = new double[sorted.size()];
    for (int i = 0; i < at.length; i++) {
      double wanted = Math.max(sorted.get(i).y, TOP + 2);
      at[i] = i == 0 ? wanted : Math.max(wanted, at[i - 1] + LINE_HEIGHT);
    }
    double limit = BOTTOM;
    for (int i = at.length - 1; i >= 0; i--) {
      at[i] = Math.min(at[i], limit);
      limit = at[i] - LINE_HEIGHT;
    }
    for (int i = 0; i < at.length; i++) {
      Label label = sorted.get(i);
      svg.raw("<g class=\"%s\"><path class=\"leader\"", label.shade)
          .raw(" d=\"M%s %sL%s %s\"/>", RIGHT + 4, px(label.y), RIGHT + 13, px(at[i]))
          .raw("<text class=\"linelabel\" x=\"%s\" y=\"%s\">", RIGHT + 16, px(at[i] + 4))
          .text(label.text)
          .raw("</text></g>");
    }
  }
}
