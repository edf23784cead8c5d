package dev.espalier.scheduler.report;

import static dev.espalier.scheduler.report.Look.px;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.DoubleStream;

/** Accuracy against a cost, with the Pareto front as a stepped line. */
final class ScatterChart {

  private static final double WIDTH = 420;
  private static final double HEIGHT = 340;
  private static final double LEFT = 46;
  private static final double RIGHT = 408;
  private static final double TOP = 14;
  private static final double BOTTOM = 290;
  private static final double CHARACTER = 6.1;

  /** Fewer points say nothing about which of them lies far off. */
  private static final int FEW = 8;

  /** Tukey's outer fence, in distances between the quartiles. */
  private static final double FENCE = 3;

  private static final double EDGE = BOTTOM - 8;

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
    double fence = fence(points);
    List<Point> drawn = points.stream().filter(p -> !(p.accuracy < fence)).toList();
    Axis y =
        Axis.covering(
            drawn.stream()
                .flatMapToDouble(
                    p ->
                        DoubleStream.of(
                            Math.max(fence, p.accuracy - p.spread) * 100,
                            (p.accuracy + p.spread) * 100)),
            BOTTOM,
            TOP,
            5);
    grid(svg, x, y, costLabel);
    List<Box> taken = new ArrayList<>(front(svg, drawn, x, y));
    for (Point point : drawn) {
      double px = x.at(point.cost);
      double py = y.at(point.accuracy * 100);
      double half = Math.abs(y.at(0) - y.at(point.spread * 100));
      taken.add(new Box(px - 7, py - 7, px + 7, py + 7));
      if (half > 7) {
        taken.add(new Box(px - 3, py - half, px + 3, py + half));
      }
    }
    for (Point point : drawn) {
      mark(svg, point, x, y);
    }
    List<Point> below = points.stream().filter(p -> p.accuracy < fence).toList();
    for (Point point : below) {
      taken.add(new Box(x.at(point.cost) - 7, EDGE - 7, x.at(point.cost) + 7, EDGE + 7));
      belowMark(svg, point, x.at(point.cost));
    }
    for (Point point : below) {
      label(svg, Figures.percent(point.accuracy) + " %", x.at(point.cost), EDGE, taken);
    }
    for (Point point : drawn) {
      label(svg, point.label, x.at(point.cost), y.at(point.accuracy * 100), taken);
    }
    return svg.raw("</svg>");
  }

  /**
   * The accuracy below which a point lies so far off that drawing it in its place would press all
   * others together: Tukey's outer fence below the lower quartile. Never one of the front.
   */
  private static double fence(List<Point> points) {
    double[] sorted =
        points.stream().mapToDouble(Point::accuracy).filter(Double::isFinite).sorted().toArray();
    if (sorted.length < FEW) {
      return Double.NEGATIVE_INFINITY;
    }
    double lower = sorted[sorted.length / 4];
    double upper = sorted[sorted.length * 3 / 4];
    double fence = lower - FENCE * (upper - lower);
    return ParetoFront.of(points, Point::cost, Point::accuracy).stream()
        .mapToDouble(Point::accuracy)
        .reduce(fence, Math::min);
  }

  /** An arrow at the lower edge for a point that lies below it; what it is, it says itself. */
  private static void belowMark(Markup svg, Point point, double px) {
    svg.raw("<g class=\"mark below %s\"><title>", point.colour).text(point.hover).raw("</title>");
    svg.raw("<path transform=\"translate(%s %s)\" d=\"M-5.8-4.4H5.8L0 6Z\"/>", px(px), px(EDGE))
        .raw("</g>");
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
  private static void label(Markup svg, String text, double px, double py, List<Box> taken) {
    double width = text.length() * CHARACTER;
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
            .text(text)
            .raw("</text>");
        return;
      }
    }
  }
}
