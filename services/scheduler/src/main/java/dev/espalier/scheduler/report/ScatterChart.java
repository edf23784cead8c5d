package dev.espalier.scheduler.report;

import static dev.espalier.scheduler.report.Look.px;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/** Accuracy against a cost, with the Pareto front as a stepped line. */
final class ScatterChart {

  private static final double WIDTH = 420;
  private static final double HEIGHT = 340;
  private static final double LEFT = 46;
  private static final double RIGHT = 408;
  private static final double TOP = 14;
  private static final double BOTTOM = 290;
  private static final double CHARACTER = 6.1;

  /**
   * A point.
   *
   * @param id the cell's id; empty for the base model
   * @param spread standard deviation of {@code accuracy}; 0 draws no whisker
   * @param label short text beside the point
   * @param hover what it is, in full
   * @param mark marker at given pixels
   */
  record Point(
      String id,
      double cost,
      double accuracy,
      double spread,
      String colour,
      String label,
      String hover,
      BiFunction<Double, Double, String> mark) {}

  private record Box(double left, double top, double right, double bottom) {
    boolean meets(Box other) {
      return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
    }
  }

  private ScatterChart() {}

  static Markup draw(String title, String costLabel, List<Point> points) {
    Markup svg = new Markup();
    svg.raw("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 %s %s\"", WIDTH, HEIGHT)
        .raw(" xmlns=\"http://www.w3.org/2000/svg\"><title>")
        .text(title)
        .raw("</title>");
    Axis x = Axis.covering(points.stream().mapToDouble(Point::cost), LEFT, RIGHT, 5);
    Axis y =
        Axis.covering(
            points.stream()
                .flatMapToDouble(
                    p ->
                        java.util.stream.DoubleStream.of(
                            (p.accuracy - p.spread) * 100, (p.accuracy + p.spread) * 100)),
            BOTTOM,
            TOP,
            5);
    grid(svg, x, y, costLabel);
    List<Box> taken = new ArrayList<>(front(svg, points, x, y));
    for (Point point : points) {
      double px = x.at(point.cost);
      double py = y.at(point.accuracy * 100);
      double half = Math.abs(y.at(0) - y.at(point.spread * 100));
      taken.add(new Box(px - 7, py - 7, px + 7, py + 7));
      if (half > 7) {
        taken.add(new Box(px - 3, py - half, px + 3, py + half));
      }
    }
    for (Point point : points) {
      mark(svg, point, x, y);
    }
    for (Point point : points) {
      label(svg, point, x.at(point.cost), y.at(point.accuracy * 100), taken);
    }
    return svg.raw("</svg>");
  }

  private static void grid(Markup svg, Axis x, Axis y, String costLabel) {
    for (double tick : y.ticks()) {
      svg.raw("<line class=\"grid\" x1=\"%s\" x2=\"%s\"", px(LEFT), px(RIGHT))
          .raw(" y1=\"%s\" y2=\"%s\"/>", px(y.at(tick)), px(y.at(tick)))
          .raw("<text class=\"tick end\" x=\"%s\"", px(LEFT - 7))
          .raw(" y=\"%s\">%s</text>", px(y.at(tick) + 4), Figures.tick(tick, y.step()));
    }
    for (double tick : x.ticks()) {
      svg.raw("<line class=\"grid\" x1=\"%s\" x2=\"%s\"", px(x.at(tick)), px(x.at(tick)))
          .raw(" y1=\"%s\" y2=\"%s\"/>", px(TOP), px(BOTTOM))
          .raw("<text class=\"tick mid\" x=\"%s\"", px(x.at(tick)))
          .raw(" y=\"%s\">%s</text>", px(BOTTOM + 17), Figures.tick(tick, x.step()));
    }
    svg.raw("<path class=\"axis\" d=\"M%s %sV%sH%s\"/>", LEFT, TOP, BOTTOM, RIGHT);
    svg.raw("<text class=\"label mid\" x=\"%s\" y=\"%s\">", px((LEFT + RIGHT) / 2), HEIGHT - 12)
        .text(costLabel)
        .raw("</text>");
    svg.raw(
        "<text class=\"label mid\" transform=\"translate(11 %s) rotate(-90)\">Top-1, %%</text>",
        px((TOP + BOTTOM) / 2));
  }

  /** Draws the front and answers with the room that it takes. */
  private static List<Box> front(Markup svg, List<Point> points, Axis x, Axis y) {
    List<Point> front = ParetoFront.of(points, Point::cost, Point::accuracy);
    List<Box> line = new ArrayList<>();
    if (front.size() < 2) {
      return line;
    }
    StringBuilder path = new StringBuilder();
    double fromX = 0;
    double fromY = 0;
    for (Point point : front) {
      double toX = x.at(point.cost);
      double toY = y.at(point.accuracy * 100);
      if (path.isEmpty()) {
        path.append("M").append(px(toX)).append(" ").append(px(toY));
      } else {
        path.append("H").append(px(toX)).append("V").append(px(toY));
        line.add(new Box(fromX, fromY - 1, toX, fromY + 1));
        line.add(new Box(toX - 1, toY, toX + 1, fromY));
      }
      fromX = toX;
      fromY = toY;
    }
    path.append("H").append(px(RIGHT));
    line.add(new Box(fromX, fromY - 1, RIGHT, fromY + 1));
    svg.raw("<path class=\"front\" d=\"%s\"/>", path);
    return line;
  }

  private static void mark(Markup svg, Point point, Axis x, Axis y) {
    double px = x.at(point.cost);
    svg.raw("<g class=\"mark %s\"><title>", point.colour).text(point.hover).raw("</title>");
    if (point.spread > 0) {
      svg.raw(
          "<path class=\"whisker\" d=\"M%s %sV%s\"/>",
          px(px),
          px(y.at((point.accuracy - point.spread) * 100)),
          px(y.at((point.accuracy + point.spread) * 100)));
    }
    svg.raw(point.mark.apply(px, y.at(point.accuracy * 100))).raw("</g>");
  }

  /** Puts the label where it touches no marker, no other label and no edge; else leaves it out. */
  private static void label(Markup svg, Point point, double px, double py, List<Box> taken) {
    double width = point.label.length() * CHARACTER;
    double[][] anchors = {
      {px + 9, py + 4},
      {px + 6, py - 9},
      {px + 6, py + 17},
      {px - 9 - width, py + 4},
      {px - 6 - width, py - 9},
      {px - 6 - width, py + 17},
      {px - width / 2, py - 13},
      {px - width / 2, py + 21},
    };
    for (double[] anchor : anchors) {
      Box box = new Box(anchor[0] - 1, anchor[1] - 9, anchor[0] + width + 1, anchor[1] + 3);
      boolean inside =
          box.left > LEFT && box.right < WIDTH && box.top > TOP - 8 && box.bottom < BOTTOM;
      if (inside && taken.stream().noneMatch(box::meets)) {
        taken.add(box);
        svg.raw("<text class=\"point\" x=\"%s\" y=\"%s\">", px(anchor[0]), px(anchor[1]))
            .text(point.label)
            .raw("</text>");
        return;
      }
    }
  }
}
