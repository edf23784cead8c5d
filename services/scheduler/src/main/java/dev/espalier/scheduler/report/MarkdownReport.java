package dev.espalier.scheduler.report;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toList;

import dev.espalier.scheduler.report.Evidence.Verdict;
import dev.espalier.scheduler.report.SweepResults.CellResult;
import dev.espalier.scheduler.report.SweepResults.TrialResult;
import dev.espalier.sweep.spec.MethodLabels;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A sweep's evidence as Markdown, to be put into a repository: one table for each budget, with what
 * the figures do not show said in words. A pure function of the results, as the HTML report is.
 */
public final class MarkdownReport {

  private static final String HEAD =
      """
      | method | n | before, % | - control | after, % | - control | MACs | params | DJL x1 | DJL batch | ORT x1 | ORT batch |
      |---|---|---|---|---|---|---|---|---|---|---|---|
      """;

  private static final int MOST_OF_A_MESSAGE = 200;

  private final SweepResults results;
  private final Evidence evidence;
  private final StringBuilder text = new StringBuilder();

  private MarkdownReport(SweepResults results) {
    this.results = results;
    this.evidence = new Evidence(results);
  }

  public static String write(SweepResults results) {
    return new MarkdownReport(results).write();
  }

  private String write() {
    header();
    results.cells().stream()
        .collect(groupingBy(MarkdownReport::budget, LinkedHashMap::new, toList()))
        .forEach(this::table);
    explain();
    findings();
    failures();
    command();
    return text.toString();
  }

  private void header() {
    line("# Evidence of sweep " + plain(results.sweep().name()));
    line("");
    Map<String, Double> base = results.base().measurements();
    line(
        "Base: `%s`, top-1 %s %%, %s MACs, %s params. Data: `%s`, %s test images. Recovery: %s."
            .formatted(
                plain(results.sweep().model().name()),
                share(base.get("top1_accuracy")),
                count(base.get("macs")),
                count(base.get("params")),
                plain(results.sweep().dataset().name()),
                results.conditions().testImages() == null
                    ? "?"
                    : results.conditions().testImages().toString(),
                recipe()));
    line("");
  }

  /** The recipe in a line, as far as the specification has it. */
  private String recipe() {
    if (!(results.sweep().spec().get("recipe") instanceof Map<?, ?> recipe)) {
      return "as the specification says";
    }
    return List.of("epochs", "batchSize", "learningRate", "distillationWeight", "augmentation")
        .stream()
        .filter(recipe::containsKey)
        .map(name -> name + " " + plain(String.valueOf(recipe.get(name))))
        .collect(joining(", "));
  }

  private static String budget(CellResult cell) {
    return cell.keepRatio() == 1
        ? "Nothing cut"
        : "Keep ratio %s of %s".formatted(Figures.ratio(cell.keepRatio()), cell.targetKind());
  }

  private void table(String budget, List<CellResult> cells) {
    line("## " + budget);
    line("");
    text.append(HEAD);
    cells.forEach(this::row);
    line("");
  }

  private void row(CellResult cell) {
    List<String> columns = new ArrayList<>();
    columns.add("`" + name(cell) + "`");
    columns.add(
        cell.succeeded() == cell.trials()
            ? String.valueOf(cell.trials())
            : cell.succeeded() + " of " + cell.trials());
    for (String measurement : List.of(Evidence.BEFORE, Evidence.AFTER)) {
      columns.add(accuracy(cell.measurements().get(measurement)));
      columns.add(evidence.difference(cell, measurement).map(this::difference).orElse("-"));
    }
    columns.add(mean(cell, "macs").map(MarkdownReport::count).orElse("-"));
    columns.add(mean(cell, "params").map(MarkdownReport::count).orElse("-"));
    for (String speedup :
        List.of(
            "speedup_batch1",
            "speedup_throughput",
            "onnx_speedup_batch1",
            "onnx_speedup_throughput")) {
      columns.add(mean(cell, speedup).map(MarkdownReport::times).orElse("-"));
    }
    line("| " + String.join(" | ", columns) + " |");
  }

  /** "87.85 ± 0.17"; one seed has no spread. */
  private static String accuracy(Statistic statistic) {
    if (statistic == null) {
      return "-";
    }
    return statistic.count() > 1
        ? share(statistic.mean()) + " ± " + share(statistic.deviation())
        : share(statistic.mean());
  }

  /** "+3.10 [+1.20, +5.00]" in points. */
  private String difference(Statistic statistic) {
    Interval interval = Interval.of(statistic);
    String mean = points(statistic.mean());
    return interval.isKnown()
        ? "%s [%s, %s]".formatted(mean, points(interval.low()), points(interval.high()))
        : mean + " [one seed]";
  }

  private void explain() {
    line(
        "n: seeds. Before and after recovery: mean top-1 on the test images ± sample standard"
            + " deviation over seeds. The control is `random`, for methods that drop only tokens"
            + " `random-tokens`, at the same keep ratio; the difference is the mean over seeds of"
            + " paired differences, in points, with Student's 95 % interval. Speed-up against the"
            + " base, medians of runs in turns: one image (x1) and a batch"
            + batch()
            + ", in DJL and in ONNX Runtime (ORT)"
            + timed()
            + ". What `small-from-scratch` has before recovery is an untrained model.");
    line("");
    SweepResults.Conditions conditions = results.conditions();
    if (conditions.device() != null) {
      line(
          "Measured on %s, %s, %s threads, %s%s."
              .formatted(
                  plain(conditions.device()),
                  conditions.precision(),
                  conditions.threads(),
                  plain(String.valueOf(conditions.engineVersion())),
                  conditions.onnxRuntimeVersion() == null
                      ? ""
                      : ", " + plain(conditions.onnxRuntimeVersion())));
      line("");
    }
  }

  private String batch() {
    Integer size = results.conditions().batchSize();
    return size == null ? "" : " of " + size;
  }

  /** How many seeds speed was measured of, where that is not all of them. */
  private String timed() {
    boolean fewer =
        results.cells().stream()
            .anyMatch(
                cell -> {
                  Statistic speed = cell.measurements().get("speedup_batch1");
                  return speed != null && speed.count() < cell.succeeded();
                });
    return fewer ? ", measured of the first seed" : "";
  }

  /** What a reader should not believe after a glance at the table. */
  private void findings() {
    List<CellResult> claimed = results.cells().stream().filter(Evidence::claims).toList();
    line("## What the figures say");
    line("");
    extraEpochs();
    finding(claimed, Evidence.BEFORE, Verdict.ABOVE, "Better than their control before recovery");
    finding(claimed, Evidence.AFTER, Verdict.ABOVE, "Better than their control after recovery");
    finding(
        claimed,
        Evidence.BEFORE,
        Verdict.LEVEL,
        "Not to be told from their control before recovery, at these seeds");
    finding(
        claimed,
        Evidence.AFTER,
        Verdict.LEVEL,
        "Not to be told from their control after recovery, at these seeds");
    finding(claimed, Evidence.BEFORE, Verdict.BELOW, "Worse than their control before recovery");
    finding(claimed, Evidence.AFTER, Verdict.BELOW, "Worse than their control after recovery");
    finding(
        claimed,
        Evidence.AFTER,
        Verdict.UNKNOWN,
        "Nothing can be said, for want of seeds or of a control");
    line("");
  }

  private void finding(
      List<CellResult> cells, String measurement, Verdict verdict, String sentence) {
    Map<String, List<String>> ratios = new LinkedHashMap<>();
    for (CellResult cell : cells) {
      if (cell.succeeded() > 0 && evidence.verdict(cell, measurement) == verdict) {
        ratios
            .computeIfAbsent(name(cell), key -> new ArrayList<>())
            .add(Figures.ratio(cell.keepRatio()));
      }
    }
    if (!ratios.isEmpty()) {
      line(
          "- %s: %s."
              .formatted(
                  sentence,
                  ratios.entrySet().stream()
                      .map(
                          entry ->
                              "`%s` (%s)"
                                  .formatted(entry.getKey(), String.join(", ", entry.getValue())))
                      .collect(joining(", "))));
    }
  }

  /** How much of any recovery is simply more training. */
  private void extraEpochs() {
    Double base = results.base().measurements().get(Evidence.AFTER);
    for (CellResult cell : results.cells()) {
      Statistic after = cell.measurements().get(Evidence.AFTER);
      if (MethodLabels.plain(cell.method()).equals("base-extra-epochs")
          && after != null
          && base != null) {
        line(
            "- The base, trained on with the recovery's recipe, changes by %s points (%s): so much of any recovery is training."
                .formatted(points(after.mean() - base), accuracy(after)));
      }
    }
  }

  private void failures() {
    List<TrialResult> failed =
        results.trials().stream().filter(trial -> trial.failure() != null).toList();
    if (failed.isEmpty()) {
      return;
    }
    line("## Trials that failed");
    line("");
    for (TrialResult trial : failed) {
      String message = plain(String.valueOf(trial.failure().message()));
      line(
          "- `%s`, keep ratio %s, seed %d: %s, %s"
              .formatted(
                  plain(trial.method()),
                  Figures.ratio(trial.keepRatio()),
                  trial.seed(),
                  plain(trial.failure().code()),
                  message.substring(0, Math.min(message.length(), MOST_OF_A_MESSAGE))));
    }
    line("");
  }

  private void command() {
    SweepResults.Header sweep = results.sweep();
    line("## Command");
    line("");
    line("    ./espalier submit sweep.json --watch");
    line("    ./espalier report %s --format markdown".formatted(sweep.id()));
    line("");
    line(
        "Sweep `%s` (run %d) of model sha256 `%s` and dataset sha256 `%s`; `sweep.json` is:"
            .formatted(sweep.id(), sweep.run(), sweep.model().sha256(), sweep.dataset().sha256()));
    line("");
    line("```json");
    line(ResultsJson.pretty(sweep.spec()).replace("```", "'''"));
    line("```");
  }

  // ---- numbers and names ----

  private static String name(CellResult cell) {
    String policy = cell.redistribution().equals("none") ? "" : " + " + cell.redistribution();
    return plain(cell.method() + policy);
  }

  private static Optional<Double> mean(CellResult cell, String measurement) {
    return Optional.ofNullable(cell.measurements().get(measurement)).map(Statistic::mean);
  }

  private static String share(Double share) {
    return share == null ? "-" : String.format(Locale.ROOT, "%.2f", share * 100);
  }

  private static String points(double difference) {
    String text = String.format(Locale.ROOT, "%+.2f", difference * 100);
    return text.equals("-0.00") ? "+0.00" : text;
  }

  private static String count(Double value) {
    return value == null ? "-" : Figures.count(value);
  }

  private static String times(Double ratio) {
    return String.format(Locale.ROOT, "%.2f", ratio);
  }

  /** Text that others wrote, without what Markdown or HTML would make something of. */
  private static String plain(String text) {
    return text.replaceAll("[\\p{Cntrl}|`<>\\[\\]*]", " ").strip();
  }

  private void line(String line) {
    text.append(line).append('\n');
  }
}
