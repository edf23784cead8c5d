package dev.espalier.scheduler.report;

import static dev.espalier.scheduler.report.Look.px;

import dev.espalier.scheduler.report.SweepResults.BlockWidths;
import dev.espalier.scheduler.report.SweepResults.Widths;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * What each block keeps: small bar charts of heads, query/key and value widths, MLP width and the
 * embedding. A pale bar is the base model, a filled one what is kept; with redistribution two bars
 * stand side by side, before and after.
 */
final class WidthChart {

  private static final double WIDTH = 1120;
  private static final double HEIGHT = 148;
  private static final double TOP = 30;
  private static final double BOTTOM = 122;
  private static final double EMBEDDING_WIDTH = 112;
  private static final double GAP = 40;

  private WidthChart() {}

  /**
   * @param base null where the base model's shape is not known
   * @param redistributed null without redistribution
   */
  static Markup draw(
      String title, String colour, Widths base, Widths pruned, Widths redistributed) {
    Markup svg = new Markup();
    svg.raw("<svg class=\"chart widths %s\" role=\"img\"", colour)
        .raw(" viewBox=\"0 0 %s %s\" xmlns=\"http://www.w3.org/2000/svg\"><title>", WIDTH, HEIGHT)
        .text(title)
        .raw("</title>");
    panel(
        svg,
        "Embedding",
        34,
        EMBEDDING_WIDTH - 34,
        base == null ? null : List.of(base.embedding()),
        List.of(pruned.embedding()),
        redistributed == null ? null : List.of(redistributed.embedding()));
    double width = (WIDTH - EMBEDDING_WIDTH - 4 * GAP) / 4;
    double left = EMBEDDING_WIDTH + GAP;
    for (Dimension dimension : DIMENSIONS) {
      panel(
          svg,
          dimension.name,
          left,
          width,
          dimension.of(base),
          dimension.of(pruned),
          dimension.of(redistributed));
      left += width + GAP;
    }
    return svg.raw("</svg>");
  }

  private record Dimension(String name, ToIntFunction<BlockWidths> width) {
    List<Integer> of(Widths widths) {
      return widths == null ? null : widths.blocks().stream().map(width::applyAsInt).toList();
    }
  }

  private static final List<Dimension> DIMENSIONS =
      List.of(
          new Dimension("Heads", BlockWidths::heads),
          new Dimension("Query/key width per head", BlockWidths::qk),
          new Dimension("Value width per head", BlockWidths::v),
          new Dimension("MLP width", BlockWidths::mlp));

  private static void panel(
      Markup svg,
      String name,
      double left,
      double width,
      List<Integer> base,
      List<Integer> pruned,
      List<Integer> redistributed) {
    List<Integer> all = new ArrayList<>(pruned);
    if (base != null) {
      all.addAll(base);
    }
    if (redistributed != null) {
      all.addAll(redistributed);
    }
    int highest = Math.max(1, all.stream().mapToInt(Integer::intValue).max().orElse(1));
    Axis y = Axis.exactly(0, highest, BOTTOM, TOP, 2);
    svg.raw("<text class=\"panel\" x=\"%s\" y=\"14\">", px(left)).text(name).raw("</text>");
    for (int tick : List.of(0, highest)) {
      svg.raw("<line class=\"grid\" x1=\"%s\" x2=\"%s\"", px(left), px(left + width))
          .raw(" y1=\"%s\" y2=\"%s\"/>", px(y.at(tick)), px(y.at(tick)))
          .raw("<text class=\"tick end\" x=\"%s\"", px(left - 5))
          .raw(" y=\"%s\">%s</text>", px(y.at(tick) + 4), tick);
    }
    int count = pruned.size();
    double slot = width / count;
    double bar = Math.min(30, slot * 0.76);
    int every = (int) Math.ceil(count * 14.0 / width);
    for (int i = 0; i < count; i++) {
      double x = left + slot * i + (slot - bar) / 2;
      svg.raw("<g><title>").text(hover(name, i, count, base, pruned, redistributed));
      svg.raw("</title>");
      if (base != null && i < base.size()) {
        bar(svg, "was", x, bar, base.get(i), y);
      }
      if (redistributed == null) {
        bar(svg, "kept", x, bar, pruned.get(i), y);
      } else {
        bar(svg, "before", x, bar / 2 - 0.5, pruned.get(i), y);
        bar(svg, "kept", x + bar / 2 + 0.5, bar / 2 - 0.5, redistributed.get(i), y);
      }
      svg.raw("</g>");
      if (count > 1 && i % every == 0) {
        svg.raw("<text class=\"tick mid\" x=\"%s\"", px(left + slot * (i + 0.5)))
            .raw(" y=\"%s\">%s</text>", px(BOTTOM + 15), i);
      }
    }
  }

  private static String hover(
      String name,
      int block,
      int blocks,
      List<Integer> base,
      List<Integer> pruned,
      List<Integer> redistributed) {
    StringBuilder text = new StringBuilder(name);
    if (blocks > 1) {
      text.append(", block ").append(block);
    }
    text.append(": ");
    if (base != null && block < base.size()) {
      text.append("base ").append(base.get(block)).append(", ");
    }
    text.append("pruned ").append(pruned.get(block));
    if (redistributed != null) {
      text.append(", redistributed ").append(redistributed.get(block));
    }
    return text.toString();
  }

  private static void bar(Markup svg, String kind, double x, double width, int value, Axis y) {
    double top = y.at(value);
    svg.raw("<rect class=\"%s\" x=\"%s\" y=\"%s\"", kind, px(x), px(top))
        .raw(" width=\"%s\" height=\"%s\"/>", px(width), px(Math.max(0, BOTTOM - top)));
  }
}
