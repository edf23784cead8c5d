package dev.espalier.scheduler.report;

import static dev.espalier.scheduler.report.Look.px;

import dev.espalier.scheduler.report.SweepResults.StageResult;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * When the sweep's stages ran: a bar for each, on as many lanes as ran at once, a colour and a
 * letter for each kind. Stages that were done before the sweep asked are not in it.
 */
final class TimelineChart {

  /** More bars than this say nothing; the longest are drawn then. */
  static final int MOST_BARS = 600;

  private static final List<String> KINDS =
      List.of("PRETRAIN", "SEARCH", "PRUNE", "REDISTRIBUTE", "FINETUNE", "EVALUATE");
  private static final double WIDTH = 1120;
  private static final double LEFT = 12;
  private static final double TOP = 34;
  private static final double LANE = 16;
  private static final double BAR = 12;
  private static final double LETTER = 11;
  private static final int TICKS = 8;

  private TimelineChart() {}

  /** Stages of this sweep that began and ended, in the order of their beginning. */
  static List<StageResult> shown(SweepResults results) {
    return results.stages().stream()
        .filter(s -> !s.reused() && s.startedAt() != null && s.endedAt() != null)
        .filter(s -> !s.endedAt().isBefore(s.startedAt()))
        .sorted(Comparator.comparingDouble((StageResult s) -> seconds(s)).reversed())
        .limit(MOST_BARS)
        .sorted(Comparator.comparing(StageResult::startedAt).thenComparing(StageResult::stageId))
        .toList();
  }

  /** The drawing; empty where no stage has times. */
  static Optional<Markup> draw(SweepResults results) {
    List<StageResult> stages = shown(results);
    if (stages.isEmpty()) {
      return Optional.empty();
    }
    Instant from = stages.get(0).startedAt();
    Instant to = stages.stream().map(StageResult::endedAt).max(Comparator.naturalOrder()).get();
    double length = Math.max(1, seconds(from, to));
    Axis x = Axis.exactly(0, length, LEFT, WIDTH - LEFT, TICKS);
    List<Instant> lanes = new ArrayList<>();
    Markup bars = new Markup();
    for (StageResult stage : stages) {
      bar(bars, stage, x, from, lane(lanes, stage));
    }
    double bottom = TOP + lanes.size() * LANE;
    Markup svg = new Markup();
    svg.raw("<svg class=\"chart\" id=\"timeline\" role=\"img\"")
        .raw(" viewBox=\"0 0 %s %s\"", px(WIDTH), px(bottom + 24))
        .raw(" xmlns=\"http://www.w3.org/2000/svg\"><title>")
        .text(
            "%d stages on %d lanes in %s"
                .formatted(stages.size(), lanes.size(), Figures.duration(length)))
        .raw("</title>");
    legend(svg, stages);
    for (double tick : x.ticks()) {
      svg.raw("<line class=\"grid\" x1=\"%s\" x2=\"%s\"", px(x.at(tick)), px(x.at(tick)))
          .raw(" y1=\"%s\" y2=\"%s\"/>", px(TOP - 4), px(bottom))
          .raw("<text class=\"tick mid\" x=\"%s\" y=\"%s\">", px(x.at(tick)), px(bottom + 16))
          .text(Figures.duration(tick))
          .raw("</text>");
    }
    return Optional.of(svg.add(bars).raw("</svg>"));
  }

  private static void legend(Markup svg, List<StageResult> stages) {
    double left = LEFT;
    for (String kind : KINDS) {
      if (stages.stream().noneMatch(stage -> stage.kind().equals(kind))) {
        continue;
      }
      String name = kind.toLowerCase(Locale.ROOT);
      svg.raw("<g class=\"%s\"><rect class=\"kept\" x=\"%s\" y=\"6\"", colour(kind), px(left))
          .raw(" width=\"14\" height=\"12\" rx=\"2\"/></g>")
          .raw("<text class=\"tick\" x=\"%s\" y=\"16\">", px(left + 19))
          .text(letter(kind) + " " + name)
          .raw("</text>");
      left += 50 + 7 * name.length();
    }
  }

  /** The first lane that is free again; a new one where all are taken. */
  private static int lane(List<Instant> lanes, StageResult stage) {
    for (int lane = 0; lane < lanes.size(); lane++) {
      if (!lanes.get(lane).isAfter(stage.startedAt())) {
        lanes.set(lane, stage.endedAt());
        return lane;
      }
    }
    lanes.add(stage.endedAt());
    return lanes.size() - 1;
  }

  private static void bar(Markup bars, StageResult stage, Axis x, Instant from, int lane) {
    double left = x.at(seconds(from, stage.startedAt()));
    double width = Math.max(1.5, x.at(seconds(from, stage.endedAt())) - left);
    double top = TOP + lane * LANE + (LANE - BAR) / 2;
    bars.raw("<g class=\"bar %s\"><title>", colour(stage.kind()))
        .text(
            "%s %s, from %s for %s%s"
                .formatted(
                    stage.kind().toLowerCase(Locale.ROOT),
                    stage.algorithm(),
                    Figures.duration(seconds(from, stage.startedAt())),
                    Figures.duration(seconds(stage)),
                    stage.claimants() > 1 ? ", for " + stage.claimants() + " trials" : ""))
        .raw("</title><rect class=\"kept\" x=\"%s\" y=\"%s\"", px(left), px(top))
        .raw(" width=\"%s\" height=\"%s\" rx=\"2\"/>", px(width), px(BAR));
    if (width >= LETTER) {
      bars.raw("<text class=\"onbar\" x=\"%s\"", px(left + width / 2))
          .raw(" y=\"%s\">%s</text>", px(top + BAR - 3), letter(stage.kind()));
    }
    bars.raw("</g>");
  }

  private static String letter(String kind) {
    return kind.substring(0, 1);
  }

  private static String colour(String kind) {
    return "s" + Math.max(0, KINDS.indexOf(kind));
  }

  private static double seconds(StageResult stage) {
    return seconds(stage.startedAt(), stage.endedAt());
  }

  private static double seconds(Instant from, Instant to) {
    return Duration.between(from, to).toMillis() / 1000.0;
  }
}
