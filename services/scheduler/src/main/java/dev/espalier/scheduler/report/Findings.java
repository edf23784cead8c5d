package dev.espalier.scheduler.report;

import static dev.espalier.scheduler.report.Figures.percent;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toList;

import dev.espalier.scheduler.report.SweepResults.CellResult;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * The sentences that a reader in a hurry takes away: one for each budget, the largest first, with
 * the number of seeds and the 95 % interval. One configuration is called the most accurate only
 * where its interval lies above those of all others.
 */
final class Findings {

  private static final String TOP1 = "top1_accuracy";

  private Findings() {}

  static Markup draw(SweepResults results) {
    Double base = results.base().measurements().get(TOP1);
    List<Markup> findings = new ArrayList<>();
    results.cells().stream()
        .filter(cell -> HtmlReport.mean(cell, TOP1) != null)
        .sorted(
            Comparator.comparing(CellResult::targetKind)
                .thenComparing(Comparator.comparing(CellResult::keepRatio).reversed()))
        .collect(
            groupingBy(
                cell -> cell.targetKind() + " " + Figures.ratio(cell.keepRatio()),
                LinkedHashMap::new,
                toList()))
        .values()
        .forEach(cells -> findings.add(finding(cells, base)));
    Markup list = new Markup();
    if (!findings.isEmpty()) {
      list.raw("<ul class=\"findings\">");
      findings.forEach(finding -> list.raw("<li>").add(finding).raw("</li>"));
      list.raw("</ul>");
    }
    return list;
  }

  /** Of configurations with the same budget. */
  private static Markup finding(List<CellResult> cells, Double base) {
    List<CellResult> ranked =
        cells.stream()
            .sorted(
                Comparator.comparingDouble((CellResult c) -> HtmlReport.mean(c, TOP1)).reversed())
            .toList();
    CellResult best = ranked.get(0);
    Interval interval = Interval.of(best.measurements().get(TOP1));
    List<CellResult> level =
        ranked.stream()
            .skip(1)
            .filter(other -> !interval.above(Interval.of(other.measurements().get(TOP1))))
            .toList();
    Markup sentence =
        new Markup()
            .text("At " + HtmlReport.target(best) + ", ")
            .raw("<b>")
            .text(HtmlReport.name(best))
            .raw("</b>")
            .text(verb(cells.size(), level.isEmpty()) + accuracy(best.measurements().get(TOP1)));
    if (base != null) {
      sentence.text(
          ", %s points against the base"
              .formatted(Figures.points(HtmlReport.mean(best, TOP1) - base)));
    }
    Double faster = HtmlReport.mean(best, "speedup_throughput");
    if (faster != null) {
      sentence.text(", at %s the base's throughput".formatted(Figures.times(faster)));
    }
    sentence.text(".");
    if (!level.isEmpty()) {
      sentence.text(
          " No winner: %s of %d others cannot be told from it at these seeds, the next %s with %s."
              .formatted(
                  level.size() == cells.size() - 1 ? "all" : String.valueOf(level.size()),
                  cells.size() - 1,
                  HtmlReport.name(level.get(0)),
                  accuracy(level.get(0).measurements().get(TOP1))));
    }
    return sentence;
  }

  private static String verb(int cells, boolean clear) {
    if (cells == 1) {
      return " reaches ";
    }
    return clear ? " is the most accurate: " : " has the highest mean: ";
  }

  private static String accuracy(Statistic top1) {
    Interval interval = Interval.of(top1);
    return interval.isKnown()
        ? "%s %% top-1 (n = %d, 95 %% interval %s to %s)"
            .formatted(
                percent(top1.mean()),
                top1.count(),
                percent(interval.low()),
                percent(interval.high()))
        : "%s %% top-1 (n = 1, no interval)".formatted(percent(top1.mean()));
  }
}
