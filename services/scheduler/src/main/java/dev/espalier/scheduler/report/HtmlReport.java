package dev.espalier.scheduler.report;

import static dev.espalier.scheduler.report.Figures.count;
import static dev.espalier.scheduler.report.Figures.digits;
import static dev.espalier.scheduler.report.Figures.percent;
import static java.util.stream.Collectors.groupingBy;

import dev.espalier.scheduler.report.ScatterChart.Point;
import dev.espalier.scheduler.report.SweepResults.CellResult;
import dev.espalier.scheduler.report.SweepResults.Conditions;
import dev.espalier.scheduler.report.SweepResults.Epoch;
import dev.espalier.scheduler.report.SweepResults.Header;
import dev.espalier.scheduler.report.SweepResults.Sharing;
import dev.espalier.scheduler.report.SweepResults.StageResult;
import dev.espalier.scheduler.report.SweepResults.TrialResult;
import dev.espalier.scheduler.report.SweepResults.Widths;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * The report of a sweep as one self-contained file: no script, no font, no image from elsewhere.
 *
 * <p>A pure function of the results document. The file is well-formed XML as well as HTML, and
 * every text that a person chose is escaped.
 */
public final class HtmlReport {

  private static final DateTimeFormatter MINUTE =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm 'UTC'", Locale.ROOT).withZone(ZoneOffset.UTC);

  /** Dashes of a recovery that another method follows. */
  private static final String BETWEEN = "2 4";

  private final SweepResults results;
  private final Look look;
  private final Set<String> frontCells;
  private final boolean baseOnFront;
  private final Markup page = new Markup();

  private HtmlReport(SweepResults results) {
    this.results = results;
    this.look = new Look(results);
    List<Point> points = points("latency_p50_ms", 1);
    List<Point> front = ParetoFront.of(points, Point::cost, Point::accuracy);
    this.baseOnFront = front.stream().anyMatch(p -> p.id().isEmpty());
    this.frontCells = new TreeSet<>(front.stream().map(Point::id).toList());
  }

  public static String write(SweepResults results) {
    return new HtmlReport(results).page();
  }

  private String page() {
    page.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>")
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>")
        .raw("<meta http-equiv=\"Content-Security-Policy\"")
        .raw(" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"/><title>")
        .text(title() + " · Espalier")
        .raw("</title><style>")
        .raw(STYLE)
        .raw("</style></head><body><main>");
    header();
    page.add(Findings.draw(results));
    table();
    page.add(RuntimeTable.draw(results));
    fronts();
    redistribution();
    curves();
    widths();
    sharing();
    conditions();
    failures();
    page.add(SearchTable.draw(results));
    trials();
    specification();
    page.raw("<footer>MACs are multiply-accumulates of one image, which papers call FLOPs. ")
        .raw("Top-1 is the share of test images whose top class is right; ± is the sample ")
        .raw("standard deviation over seeds. Latency is one image at a time, throughput a ")
        .raw("whole batch; both were measured on the cut model and on the base in turns, in ")
        .raw("the same session, alone on the machine.</footer></main></body></html>\n");
    return page.toString();
  }

  private String title() {
    Header sweep = results.sweep();
    return sweep.name() == null || sweep.name().isBlank() ? sweep.id() : sweep.name();
  }

  private void header() {
    Header sweep = results.sweep();
    String tone =
        switch (String.valueOf(sweep.state())) {
          case "COMPLETED" -> "ok";
          case "CANCELLED" -> "no";
          default -> "now";
        };
    long succeeded = inState("SUCCEEDED");
    page.raw("<header><p class=\"brand\">Espalier · sweep report</p><h1>")
        .text(title())
        .raw("</h1><ul class=\"facts\"><li><span class=\"state %s\">", tone)
        .text(String.valueOf(sweep.state()).toLowerCase(Locale.ROOT))
        .raw("</span></li>");
    if (sweep.reason() != null && !sweep.reason().isBlank()) {
      fact("because", sweep.reason());
    }
    fact("trials", succeeded + " of " + results.trials().size() + " succeeded");
    fact("sweep", sweep.id() + (sweep.run() > 0 ? ", run " + sweep.run() : ""));
    fact("model", sweep.model().name());
    fact("dataset", sweep.dataset().name());
    if (sweep.team() != null && !sweep.team().isBlank()) {
      fact("team", sweep.team());
    }
    if (sweep.submittedAt() != null) {
      fact("submitted", MINUTE.format(sweep.submittedAt()));
      if (sweep.endedAt() != null) {
        double seconds = sweep.endedAt().getEpochSecond() - sweep.submittedAt().getEpochSecond();
        fact("took", Figures.duration(seconds));
      }
    }
    page.raw("</ul></header>");
  }

  private void fact(String name, String value) {
    page.raw("<li>" + name + " <b>").text(String.valueOf(value)).raw("</b></li>");
  }

  private long inState(String state) {
    return results.trials().stream().filter(t -> t.state().equals(state)).count();
  }

  private static final List<String> COLUMNS =
      List.of(
          "Params",
          "MACs",
          "Top-1 cut<small>unrecovered, %</small>",
          "Top-1<small>recovered, %</small>",
          "Δ base<small>points</small>",
          "Latency<small>p50, ms</small>",
          "Speed-up<small>batch 1</small>",
          "Throughput<small>images/s</small>",
          "Speed-up<small>batch</small>",
          "Mask diff.<small>max abs.</small>");

  private void table() {
    page.raw("<h2>Results</h2><p class=\"lead\">Each row is one configuration over its seeds. ")
        .raw("A star marks the Pareto front of accuracy against measured latency.</p>")
        .raw("<div class=\"card scroll\"><table id=\"results\"><thead><tr>")
        .raw("<th class=\"l\">Method</th><th class=\"l\">Redistribution</th>")
        .raw("<th>Keep</th><th>Seeds</th>");
    COLUMNS.forEach(column -> page.raw("<th>" + column + "</th>"));
    page.raw("</tr></thead><tbody>");
    Map<String, Double> base = results.base().measurements();
    page.raw("<tr class=\"baserow\"><td class=\"l\">%s</td>", key(Look.baseMarker(7, 7), "ink"))
        .raw("<td class=\"l\">%s</td><td></td><td></td>", baseOnFront ? "★" : "");
    number(base.get("params"), Figures::count);
    number(base.get("macs"), Figures::count);
    page.raw("<td></td>");
    number(base.get("top1_accuracy"), Figures::percent);
    page.raw("<td></td>");
    number(base.get("latency_p50_ms"), Figures::digits);
    page.raw("<td></td>");
    number(base.get("throughput_images_per_s"), Figures::digits);
    page.raw("<td></td><td></td></tr>");
    String previous = null;
    for (CellResult cell : results.cells()) {
      String group = cell.method();
      page.raw("<tr%s>", group.equals(previous) ? "" : " class=\"group\"");
      previous = group;
      row(cell, base.get("top1_accuracy"));
      page.raw("</tr>");
    }
    page.raw("</tbody></table></div>");
  }

  private void row(CellResult cell, Double baseTop1) {
    page.raw("<td class=\"l\">")
        .raw(key(look.marker(cell.redistribution(), 7, 7), look.colour(cell.method())))
        .text(cell.method())
        .raw("</td><td class=\"l\">")
        .text(cell.redistribution())
        .raw(frontCells.contains(cell.cellId()) ? " ★" : "")
        .raw("</td><td>")
        .text(Figures.ratio(cell.keepRatio()))
        .raw("<small>")
        .text(cell.targetKind())
        .raw("</small></td><td>%s</td>", seeds(cell));
    statistic(cell, "params", Figures::count, false);
    statistic(cell, "macs", Figures::count, false);
    statistic(cell, "top1_before_recovery", Figures::percent, true);
    statistic(cell, "top1_accuracy", Figures::percent, true);
    Double top1 = mean(cell, "top1_accuracy");
    if (top1 == null || baseTop1 == null) {
      page.raw("<td>–</td>");
    } else {
      double difference = top1 - baseTop1;
      page.raw("<td class=\"%s\">", difference < -0.0005 ? "down" : "up")
          .raw("<data value=\"%s\">%s</data></td>", difference, Figures.points(difference));
    }
    statistic(cell, "latency_p50_ms", Figures::digits, false);
    statistic(cell, "speedup_batch1", Figures::times, false);
    statistic(cell, "throughput_images_per_s", Figures::digits, false);
    statistic(cell, "speedup_throughput", Figures::times, false);
    Statistic mask = cell.measurements().get("mask_max_abs_difference");
    number(mask == null ? null : mask.max(), Figures::scientific);
  }

  private static String seeds(CellResult cell) {
    return cell.succeeded() == cell.trials()
        ? Integer.toString(cell.trials())
        : cell.succeeded() + " of " + cell.trials();
  }

  private static String key(String marker, String colour) {
    return "<svg class=\"key mark %s\" viewBox=\"0 0 14 14\" xmlns=\"http://www.w3.org/2000/svg\">%s</svg>"
            .formatted(colour, marker)
        + (marker.contains("basemark") ? "base model" : "");
  }

  private void number(Double value, Function<Double, String> format) {
    if (value == null || value.isNaN()) {
      page.raw("<td>–</td>");
    } else {
      page.raw("<td><data value=\"%s\">%s</data></td>", value, format.apply(value));
    }
  }

  private void statistic(
      CellResult cell, String name, Function<Double, String> format, boolean withSpread) {
    Statistic statistic = cell.measurements().get(name);
    if (statistic == null) {
      page.raw("<td>–</td>");
      return;
    }
    page.raw("<td><data value=\"%s\">", statistic.mean())
        .raw(format.apply(statistic.mean()))
        .raw("</data>");
    if (withSpread && statistic.count() > 1) {
      page.raw("<small>± %s</small>", format.apply(statistic.deviation()));
    }
    page.raw("</td>");
  }

  private void fronts() {
    page.raw("<h2>Accuracy against cost</h2><p class=\"lead\">Up and to the left is better. The ")
        .raw("dashed line is the Pareto front: nothing measured here is both cheaper and more ")
        .raw("accurate. Numbers beside the points are keep ratios, whiskers the spread over ")
        .raw("seeds, an arrow at the lower edge what lies far below; hover for all figures.</p>");
    legend();
    page.raw("<div class=\"grid3\">");
    scatter("Measured latency", "Latency p50 at batch 1, ms", "latency_p50_ms", 1);
    scatter("Multiply-accumulates", "MACs per image, millions", "macs", 1e6);
    scatter("Parameters", "Parameters, thousands", "params", 1e3);
    page.raw("</div>");
  }

  private void legend() {
    page.raw("<ul class=\"legend\"><li>%s</li>", key(Look.baseMarker(7, 7), "ink"));
    results.cells().stream()
        .map(cell -> List.of(cell.method(), cell.redistribution()))
        .distinct()
        .forEach(
            pair ->
                page.raw("<li>")
                    .raw(key(look.marker(pair.get(1), 7, 7), look.colour(pair.get(0))))
                    .text(name(pair.get(0), pair.get(1)))
                    .raw("</li>"));
    page.raw("</ul>");
  }

  private void scatter(String heading, String label, String cost, double unit) {
    List<Point> points = points(cost, unit);
    page.raw("<div class=\"card\"><h3>" + heading + "</h3>");
    if (points.isEmpty()) {
      page.raw("<p class=\"lead\">Nothing measured yet.</p>");
    } else {
      page.add(ScatterChart.draw("Top-1 accuracy against " + label, label, points));
    }
    page.raw("</div>");
  }

  private List<Point> points(String cost, double unit) {
    List<Point> points = new ArrayList<>();
    Map<String, Double> base = results.base().measurements();
    if (base.get(cost) != null && base.get("top1_accuracy") != null) {
      points.add(
          new Point(
              "",
              base.get(cost) / unit,
              base.get("top1_accuracy"),
              0,
              "ink",
              "base",
              "base model: %s %% top-1, %s params, %s MACs"
                  .formatted(
                      percent(base.get("top1_accuracy")),
                      base.get("params") == null ? "?" : count(base.get("params")),
                      base.get("macs") == null ? "?" : count(base.get("macs"))),
              Look::baseMarker));
    }
    for (CellResult cell : results.cells()) {
      Double x = mean(cell, cost);
      Statistic accuracy = cell.measurements().get("top1_accuracy");
      if (x != null && accuracy != null) {
        points.add(
            new Point(
                cell.cellId(),
                x / unit,
                accuracy.mean(),
                accuracy.deviation(),
                look.colour(cell.method()),
                Figures.ratio(cell.keepRatio()),
                hover(cell),
                (px, py) -> look.marker(cell.redistribution(), px, py)));
      }
    }
    return points;
  }

  private static String hover(CellResult cell) {
    StringBuilder text = new StringBuilder(name(cell)).append(" at ").append(target(cell));
    part(text, cell, "top1_accuracy", " % top-1", Figures::percent);
    part(text, cell, "params", " params", Figures::count);
    part(text, cell, "macs", " MACs", Figures::count);
    part(text, cell, "latency_p50_ms", " ms", Figures::digits);
    part(text, cell, "throughput_images_per_s", " images/s", Figures::digits);
    return text.toString();
  }

  private static void part(
      StringBuilder text,
      CellResult cell,
      String measurement,
      String unit,
      Function<Double, String> format) {
    Statistic statistic = cell.measurements().get(measurement);
    if (statistic != null) {
      text.append("\n").append(format.apply(statistic.mean()));
      if (statistic.count() > 1) {
        text.append(" ± ").append(format.apply(statistic.deviation()));
      }
      text.append(unit);
    }
  }

  /** Redistribution on against off, at the same budget, with the same seeds. */
  private void redistribution() {
    record Pair(CellResult off, CellResult on, Statistic difference) {}
    List<Pair> pairs = new ArrayList<>();
    for (CellResult on : results.cells()) {
      results.cells().stream()
          .filter(off -> off.redistribution().equals("none") && sameBudget(off, on))
          .filter(off -> !on.redistribution().equals("none"))
          .findFirst()
          .ifPresent(
              off -> {
                List<Double> differences = differences(off, on);
                if (!differences.isEmpty()) {
                  pairs.add(new Pair(off, on, Statistic.of(differences)));
                }
              });
    }
    if (pairs.isEmpty()) {
      return;
    }
    page.raw("<h2>What redistribution changes</h2><p class=\"lead\">The same method, budget, ")
        .raw("recipe and seed, with the widths redistributed over blocks or left where pruning ")
        .raw(
            "put them. Differences are taken seed by seed; colour marks those beyond their spread.")
        .raw("</p>")
        .raw("<div class=\"card scroll\"><table id=\"redistribution\"><thead><tr>")
        .raw("<th class=\"l\">Method</th><th class=\"l\">Policy</th><th>Keep</th>")
        .raw("<th>Without<small>top-1, %</small></th><th>With<small>top-1, %</small></th>")
        .raw("<th>Difference<small>points, paired</small></th>")
        .raw("<th>Latency<small>ms, without → with</small></th></tr></thead><tbody>");
    for (Pair pair : pairs) {
      page.raw("<tr><td class=\"l\">")
          .text(pair.on.method())
          .raw("</td><td class=\"l\">")
          .text(pair.on.redistribution())
          .raw("</td><td>")
          .text(Figures.ratio(pair.on.keepRatio()))
          .raw("<small>")
          .text(pair.on.targetKind())
          .raw("</small></td>");
      statistic(pair.off, "top1_accuracy", Figures::percent, true);
      statistic(pair.on, "top1_accuracy", Figures::percent, true);
      Statistic difference = pair.difference;
      boolean clear =
          difference.count() > 1 && Math.abs(difference.mean()) > difference.deviation();
      page.raw("<td class=\"%s\">", !clear ? "" : difference.mean() < 0 ? "down" : "up")
          .raw("<data value=\"%s\">", difference.mean())
          .raw(Figures.points(difference.mean()))
          .raw("</data>");
      if (difference.count() > 1) {
        page.raw("<small>± %s</small>", percent(difference.deviation()));
      }
      Double before = mean(pair.off, "latency_p50_ms");
      Double after = mean(pair.on, "latency_p50_ms");
      page.raw("</td><td>")
          .raw(before == null ? "–" : digits(before))
          .raw(" → ")
          .raw(after == null ? "–" : digits(after))
          .raw("</td></tr>");
    }
    page.raw("</tbody></table></div>");
  }

  private static boolean sameBudget(CellResult a, CellResult b) {
    return a.method().equals(b.method())
        && a.targetKind().equals(b.targetKind())
        && a.keepRatio() == b.keepRatio();
  }

  private List<Double> differences(CellResult off, CellResult on) {
    Map<Long, Double> without = new TreeMap<>();
    trialsOf(off)
        .filter(t -> t.measurements().get("top1_accuracy") != null)
        .forEach(t -> without.put(t.seed(), t.measurements().get("top1_accuracy")));
    return trialsOf(on)
        .filter(t -> t.measurements().get("top1_accuracy") != null)
        .filter(t -> without.containsKey(t.seed()))
        .map(t -> t.measurements().get("top1_accuracy") - without.get(t.seed()))
        .toList();
  }

  private Stream<TrialResult> trialsOf(CellResult cell) {
    return results.trials().stream().filter(trial -> trial.cellId().equals(cell.cellId()));
  }

  private void curves() {
    Map<String, List<CurveChart.Line>> byMethod = new LinkedHashMap<>();
    List<String> shades =
        results.cells().stream()
            .map(cell -> Figures.ratio(cell.keepRatio()) + cell.targetKind())
            .distinct()
            .sorted()
            .toList();
    List<String> kinds = results.cells().stream().map(CellResult::targetKind).distinct().toList();
    for (CellResult cell : results.cells()) {
      int shade = shades.indexOf(Figures.ratio(cell.keepRatio()) + cell.targetKind());
      String label =
          Figures.ratio(cell.keepRatio())
              + (kinds.size() > 1 ? " " + cell.targetKind() : "")
              + (cell.redistribution().equals("none") ? "" : " " + cell.redistribution());
      int legs = trialsOf(cell).mapToInt(trial -> trial.recoveries().size()).max().orElse(0);
      for (int leg = 0; leg < Math.max(1, legs); leg++) {
        Map<Integer, Statistic> byEpoch = byEpoch(cell, leg, legs);
        if (!byEpoch.isEmpty()) {
          boolean last = leg >= legs - 1;
          byMethod
              .computeIfAbsent(cell.method(), m -> new ArrayList<>())
              .add(
                  new CurveChart.Line(
                      label + (legs > 1 ? ", " + recovered(cell, leg) : ""),
                      "r" + shade(shade, shades.size()),
                      last ? look.dash(cell.redistribution()) : BETWEEN,
                      byEpoch));
        }
      }
    }
    if (byMethod.isEmpty()) {
      return;
    }
    Double measured = results.base().measurements().get("top1_accuracy");
    double base = measured == null ? Double.NaN : measured;
    DoubleStream all =
        DoubleStream.concat(
            DoubleStream.of(base * 100),
            byMethod.values().stream()
                .flatMap(List::stream)
                .flatMap(line -> line.byEpoch().values().stream())
                .flatMapToDouble(
                    s ->
                        DoubleStream.of(
                            (s.mean() - s.deviation()) * 100, (s.mean() + s.deviation()) * 100)));
    Axis y = Axis.covering(all, 0, 1, 5);
    int epochs =
        results.trials().stream()
            .flatMap(
                trial ->
                    Stream.concat(
                        trial.curve().stream(),
                        trial.recoveries().stream().flatMap(leg -> leg.curve().stream())))
            .mapToInt(Epoch::epoch)
            .max()
            .orElse(1);
    page.raw("<h2>Recovery</h2><p class=\"lead\">Validation accuracy while the cut model is ")
        .raw("trained again, one chart per method on one scale. Lines are means over seeds and ")
        .raw("bands their standard deviation; colour is the keep ratio, dashes mark ")
        .raw("redistribution, dots a recovery that another method follows.</p>")
        .raw("<div class=\"grid2\">");
    byMethod.forEach(
        (method, lines) -> {
          page.raw("<div class=\"card\"><h3>").text(method).raw("</h3>");
          page.add(CurveChart.draw("Recovery after " + method, lines, base, y, epochs));
          page.raw("</div>");
        });
    page.raw("</div>");
  }

  /** Accuracy over seeds in one recovery; of older documents, which know the last one only. */
  private Map<Integer, Statistic> byEpoch(CellResult cell, int leg, int legs) {
    Map<Integer, List<Double>> values = new TreeMap<>();
    trialsOf(cell)
        .filter(trial -> legs == 0 || leg < trial.recoveries().size())
        .map(trial -> legs == 0 ? trial.curve() : trial.recoveries().get(leg).curve())
        .flatMap(List::stream)
        .filter(epoch -> Double.isFinite(epoch.top1Accuracy()))
        .forEach(
            epoch ->
                values
                    .computeIfAbsent(epoch.epoch(), e -> new ArrayList<>())
                    .add(epoch.top1Accuracy()));
    Map<Integer, Statistic> byEpoch = new TreeMap<>();
    values.forEach((epoch, accuracies) -> byEpoch.put(epoch, Statistic.of(accuracies)));
    return byEpoch;
  }

  /** "after magnitude 0.7": which of a combination's recoveries it is. */
  private String recovered(CellResult cell, int leg) {
    return trialsOf(cell)
        .filter(trial -> leg < trial.recoveries().size())
        .map(trial -> trial.recoveries().get(leg))
        .map(recovery -> "after " + recovery.method() + " " + Figures.ratio(recovery.keepRatio()))
        .findFirst()
        .orElse("");
  }

  /** Spreads few ratios over the whole palette, so that neighbours differ well. */
  private static int shade(int index, int count) {
    return count <= 1
        ? 1
        : count >= 7 ? index % 7 : 1 + (int) Math.round(index * 4.0 / (count - 1));
  }

  private void widths() {
    List<CellResult> cells =
        results.cells().stream()
            .filter(cell -> trialsOf(cell).anyMatch(trial -> trial.pruned() != null))
            .toList();
    if (cells.isEmpty()) {
      return;
    }
    page.raw("<h2>What is left of each block</h2><p class=\"lead\">Grey is the base model; pale ")
        .raw("colour is what the method kept, full colour what the model has in the end. Blocks ")
        .raw("count from 0, the input's side. Of several seeds the first is shown, with a note ")
        .raw("where others were cut differently.</p><div class=\"card scroll\">");
    for (CellResult cell : cells) {
      List<TrialResult> trials = trialsOf(cell).filter(trial -> trial.pruned() != null).toList();
      TrialResult shown = trials.get(0);
      long shapes = trials.stream().map(HtmlReport::finalWidths).distinct().count();
      page.raw("<div class=\"cellhead\"><b>").text(name(cell)).raw("</b><span>");
      page.text(target(cell)).raw("</span>");
      page.raw("<span>embedding ").text(embedding(shown)).raw("</span>");
      if (trials.size() > 1) {
        page.raw("<span>")
            .text(
                "seed %d%s"
                    .formatted(
                        shown.seed(),
                        shapes == 1
                            ? ", alike for all seeds"
                            : ", one of %d shapes over %d seeds".formatted(shapes, trials.size())))
            .raw("</span>");
      }
      page.raw("</div>")
          .add(
              WidthChart.draw(
                  "Widths of " + name(cell) + " at " + target(cell),
                  look.colour(cell.method()),
                  results.base().widths(),
                  shown.pruned(),
                  shown.redistributed()));
    }
    page.raw("</div>").add(KeptPatchesChart.draw(results));
  }

  private static Widths finalWidths(TrialResult trial) {
    return trial.redistributed() == null ? trial.pruned() : trial.redistributed();
  }

  private String embedding(TrialResult trial) {
    StringBuilder text = new StringBuilder();
    if (results.base().widths() != null) {
      text.append(results.base().widths().embedding()).append(" → ");
    }
    text.append(trial.pruned().embedding());
    if (trial.redistributed() != null) {
      text.append(" → ").append(trial.redistributed().embedding());
    }
    return text.toString();
  }

  private void sharing() {
    Sharing sharing = results.sharing();
    page.raw("<h2>Shared work</h2><p class=\"lead\">A stage is named by the hash of what it ")
        .raw("computes, so equal stages run once, across trials and sweeps.</p>")
        .raw("<div class=\"card\"><p>")
        .text(
            "The trials walk %d stages, %d of them different; %d had been done before. %s"
                .formatted(
                    sharing.asked(),
                    sharing.distinct(),
                    sharing.reused(),
                    "Stages ran for %s in all; sharing and reuse saved %s."
                        .formatted(
                            Figures.duration(sharing.spentSeconds()),
                            Figures.duration(sharing.savedSeconds()))))
        .raw("</p>");
    Map<String, List<StageResult>> byKind =
        results.stages().stream()
            .collect(
                groupingBy(
                    StageResult::kind, LinkedHashMap::new, java.util.stream.Collectors.toList()));
    page.raw("<div class=\"scroll\"><table id=\"sharing\"><thead><tr><th class=\"l\">Stage</th>")
        .raw("<th>Walked<small>by trials</small></th><th>Different</th>")
        .raw("<th>Shared<small>by several trials</small></th>")
        .raw("<th>Reused<small>done before</small></th><th>Wall time<small>of this sweep</small>")
        .raw("</th><th>Median<small>per stage</small></th></tr></thead><tbody>");
    byKind.forEach(
        (kind, stages) -> {
          List<Double> seconds =
              stages.stream().map(StageResult::wallSeconds).filter(Objects::nonNull).toList();
          double own =
              stages.stream()
                  .filter(s -> !s.reused() && s.wallSeconds() != null)
                  .mapToDouble(StageResult::wallSeconds)
                  .sum();
          page.raw("<tr><td class=\"l\">")
              .text(kind.toLowerCase(Locale.ROOT))
              .raw("</td><td>%s</td>", stages.stream().mapToInt(StageResult::claimants).sum())
              .raw("<td>%s</td>", stages.size())
              .raw("<td>%s</td>", stages.stream().filter(s -> s.claimants() > 1).count())
              .raw("<td>%s</td>", stages.stream().filter(StageResult::reused).count())
              .raw("<td>%s</td>", Figures.duration(own))
              .raw("<td>%s</td></tr>", seconds.isEmpty() ? "–" : Figures.duration(median(seconds)));
        });
    page.raw("</tbody></table></div></div>");
    timeline();
  }

  private void timeline() {
    TimelineChart.draw(results)
        .ifPresent(
            chart ->
                page.raw("<h2>When stages ran</h2><p class=\"lead\">A bar for each stage of this")
                    .raw(" sweep, on as many lanes as ran at once; gaps are waits for a free")
                    .raw(" worker or for a stage before.</p><div class=\"card scroll\">")
                    .add(chart)
                    .raw("</div>"));
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  private void conditions() {
    Conditions conditions = results.conditions();
    page.raw("<h2>How it was measured</h2><div class=\"card\"><dl>");
    condition("Device", conditions.device());
    condition("Host", conditions.host());
    condition("Precision", conditions.precision());
    condition("Threads", conditions.threads());
    condition("Engine", conditions.engineVersion());
    condition("Second engine", conditions.onnxRuntimeVersion());
    condition("Batch of the throughput", conditions.batchSize());
    condition("Timed runs", conditions.runs());
    condition("Warm-up runs", conditions.warmUpRuns());
    condition("Test images", conditions.testImages());
    condition("Base model", source(results.sweep().model()));
    condition("Dataset", source(results.sweep().dataset()));
    page.raw("</dl></div>");
  }

  private static String source(SweepResults.Source source) {
    return source.sha256() == null
        ? source.name()
        : source.name() + " (sha256 " + source.sha256() + ")";
  }

  private void condition(String name, Object value) {
    if (value != null && !value.toString().isBlank()) {
      page.raw("<dt>" + name + "</dt><dd>").text(value.toString()).raw("</dd>");
    }
  }

  private void failures() {
    List<TrialResult> failed =
        results.trials().stream().filter(trial -> trial.failure() != null).toList();
    if (failed.isEmpty()) {
      return;
    }
    page.raw("<h2>Failures</h2><div class=\"card scroll\"><table id=\"failures\"><thead><tr>")
        .raw("<th class=\"l\">Trial</th><th class=\"l\">Cause</th><th class=\"l\">Message</th>")
        .raw("</tr></thead><tbody>");
    for (TrialResult trial : failed) {
      page.raw("<tr><td class=\"l\">")
          .text(name(trial.method(), trial.redistribution()))
          .text(" at %s, seed %d".formatted(Figures.ratio(trial.keepRatio()), trial.seed()))
          .raw("<br/><code class=\"muted\">")
          .text(trial.trialId())
          .raw("</code></td><td class=\"l\"><b class=\"down\">")
          .text(String.valueOf(trial.failure().code()))
          .raw("</b><br/><span class=\"muted\">")
          .text(String.valueOf(trial.failure().category()).toLowerCase(Locale.ROOT))
          .raw("</span></td><td class=\"l wrap\">")
          .text(String.valueOf(trial.failure().message()))
          .raw("</td></tr>");
    }
    page.raw("</tbody></table></div>");
  }

  private void trials() {
    page.raw(
            "<h2>Trials</h2><div class=\"card\"><details><summary>All %s trials, seed by seed",
            results.trials().size())
        .raw("</summary><div class=\"scroll\"><table id=\"trials\"><thead><tr>")
        .raw("<th class=\"l\">Trial</th><th class=\"l\">Method</th>")
        .raw("<th class=\"l\">Redistribution</th><th>Keep</th><th>Seed</th><th class=\"l\">State")
        .raw("</th><th>Params</th><th>MACs</th><th>Top-1 cut<small>%</small></th>")
        .raw("<th>Top-1<small>%</small></th><th>Top-5<small>%</small></th>")
        .raw("<th>Latency<small>p50 / p95, ms</small></th><th>Images/s</th>")
        .raw("<th class=\"l\">Model<small>sha256</small></th></tr></thead><tbody>");
    for (TrialResult trial : results.trials()) {
      Map<String, Double> m = trial.measurements();
      page.raw("<tr><td class=\"l\"><code>")
          .text(trial.trialId())
          .raw("</code></td><td class=\"l\">")
          .text(trial.method())
          .raw("</td><td class=\"l\">")
          .text(trial.redistribution())
          .raw("</td><td>%s</td><td>%s</td>", Figures.ratio(trial.keepRatio()), trial.seed())
          .raw("<td class=\"l\">")
          .text(trial.state().toLowerCase(Locale.ROOT))
          .raw("</td>");
      number(m.get("params"), Figures::count);
      number(m.get("macs"), Figures::count);
      number(m.get("top1_before_recovery"), Figures::percent);
      number(m.get("top1_accuracy"), Figures::percent);
      number(m.get("top5_accuracy"), Figures::percent);
      Double p95 = m.get("latency_p95_ms");
      page.raw("<td>%s", m.get("latency_p50_ms") == null ? "–" : digits(m.get("latency_p50_ms")))
          .raw("<small>%s</small></td>", p95 == null ? "" : "/ " + digits(p95));
      number(m.get("throughput_images_per_s"), Figures::digits);
      SweepResults.Artifact model = trial.outputs().get("finetune/model");
      page.raw("<td class=\"l\"><code>")
          .text(model == null ? "–" : model.sha256().substring(0, 12))
          .raw("</code></td></tr>");
    }
    page.raw("</tbody></table></div></details></div>");
  }

  private void specification() {
    page.raw("<h2>Specification</h2><div class=\"card\"><details><summary>As it was accepted, ")
        .raw("with all defaults</summary><pre>")
        .text(ResultsJson.pretty(results.sweep().spec()))
        .raw("</pre></details></div>");
  }

  static Double mean(CellResult cell, String measurement) {
    Statistic statistic = cell.measurements().get(measurement);
    return statistic == null ? null : statistic.mean();
  }

  static String name(CellResult cell) {
    return name(cell.method(), cell.redistribution());
  }

  private static String name(String method, String redistribution) {
    return redistribution.equals("none") ? method : method + " + " + redistribution;
  }

  static String target(CellResult cell) {
    return "%s %% of the base's %s"
        .formatted(
            Figures.ratio(cell.keepRatio() * 100).replaceAll("\\.0$", ""),
            cell.targetKind().equals("macs") ? "MACs" : cell.targetKind());
  }

  private static final String STYLE = style();

  private static String style() {
    try (InputStream css = HtmlReport.class.getResourceAsStream("/report/report.css")) {
      return new String(css.readAllBytes(), StandardCharsets.UTF_8).replaceAll("\\s*\n\\s*", "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
