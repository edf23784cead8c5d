package dev.espalier.scheduler.report;

import dev.espalier.scheduler.report.SweepResults.TrialResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What the strategy and the stopping rule made of the trials: who was stopped and why, who was
 * promoted, and where each bisection ended. A plain grid has no such section.
 */
final class SearchTable {

  private final SweepResults results;
  private final Markup page = new Markup();

  private SearchTable(SweepResults results) {
    this.results = results;
  }

  static Markup draw(SweepResults results) {
    SearchTable table = new SearchTable(results);
    table.rulings();
    table.bisections();
    return table.page;
  }

  private void rulings() {
    List<TrialResult> ruled =
        results.trials().stream().filter(trial -> trial.ruling() != null).toList();
    if (ruled.isEmpty()) {
      return;
    }
    long stopped = ruled.stream().filter(trial -> trial.ruling().stopRule() != null).count();
    page.raw("<h2>Promoted and stopped</h2><p class=\"lead\">%s of %s trials ended", stopped, all())
        .raw(" before their recovery was over. Epochs count from the cut; rungs from 0.</p>")
        .raw("<div class=\"card scroll\"><table id=\"rulings\"><thead><tr>")
        .raw("<th class=\"l\">Trial</th><th>Rung</th><th>Stopped after<small>epoch</small></th>")
        .raw("<th class=\"l\">By</th><th class=\"l\">Because</th></tr></thead><tbody>");
    for (TrialResult trial : ruled) {
      page.raw("<tr><td class=\"l\">");
      name(trial);
      page.raw("</td><td>%s</td><td>", trial.ruling().rung())
          .text(trial.ruling().stopEpoch() == null ? "–" : trial.ruling().stopEpoch().toString())
          .raw("</td><td class=\"l\">")
          .text(trial.ruling().stopRule() == null ? "–" : trial.ruling().stopRule())
          .raw("</td><td class=\"l wrap\">")
          .text(trial.ruling().stopReason() == null ? "promoted" : trial.ruling().stopReason())
          .raw("</td></tr>");
    }
    page.raw("</tbody></table></div>");
  }

  /** From the measurements alone: the smallest keep ratio of each line that is within. */
  private void bisections() {
    if (!(results.sweep().spec().get("strategy") instanceof Map<?, ?> strategy)
        || !"bisection".equals(strategy.get("name"))
        || !(strategy.get("maxLoss") instanceof Number maxLoss)) {
      return;
    }
    Map<String, List<TrialResult>> lines = new LinkedHashMap<>();
    for (TrialResult trial : results.trials()) {
      String line = "%s %s %d".formatted(trial.method(), trial.redistribution(), trial.seed());
      lines.computeIfAbsent(line, key -> new ArrayList<>()).add(trial);
    }
    page.raw("<h2>Smallest models within the loss</h2><p class=\"lead\">At most ")
        .text(Figures.percent(maxLoss.doubleValue()))
        .raw(" % of top-1 may be lost against the base.</p><div class=\"card scroll\">")
        .raw("<table id=\"bisections\"><thead><tr><th class=\"l\">Method</th>")
        .raw("<th class=\"l\">Redistribution</th><th>Seed</th><th>Smallest keep ratio</th>")
        .raw("<th>Top-1 lost<small>%</small></th><th class=\"l\">Tried</th></tr></thead><tbody>");
    lines.values().forEach(trials -> line(trials, maxLoss.doubleValue()));
    page.raw("</tbody></table></div>");
  }

  private void line(List<TrialResult> trials, double maxLoss) {
    Optional<TrialResult> smallest =
        trials.stream()
            .filter(trial -> loss(trial) <= maxLoss)
            .min((a, b) -> Double.compare(a.keepRatio(), b.keepRatio()));
    TrialResult any = trials.get(0);
    page.raw("<tr><td class=\"l\">")
        .text(any.method())
        .raw("</td><td class=\"l\">")
        .text(any.redistribution())
        .raw("</td><td>%s</td><td>", any.seed())
        .text(smallest.map(trial -> Figures.ratio(trial.keepRatio())).orElse("none"))
        .raw("</td><td>")
        .text(smallest.map(trial -> Figures.percent(loss(trial))).orElse("–"))
        .raw("</td><td class=\"l wrap\">");
    List<String> tried = new ArrayList<>();
    for (TrialResult trial : trials) {
      double loss = loss(trial);
      tried.add(
          "%s (%s)"
              .formatted(
                  Figures.ratio(trial.keepRatio()),
                  Double.isNaN(loss)
                      ? trial.state().toLowerCase(Locale.ROOT)
                      : Figures.percent(loss)));
    }
    page.text(String.join(", ", tried)).raw("</td></tr>");
  }

  /** NaN, which is within nothing, where it was not measured. */
  private static double loss(TrialResult trial) {
    Double top1 = trial.measurements().get("top1_accuracy");
    Double base = trial.measurements().get("base_top1_accuracy");
    return top1 == null || base == null ? Double.NaN : base - top1;
  }

  private int all() {
    return results.trials().size();
  }

  private void name(TrialResult trial) {
    page.text(
            "%s%s at %s %s, seed %d"
                .formatted(
                    trial.method(),
                    trial.redistribution().equals("none") ? "" : " + " + trial.redistribution(),
                    trial.targetKind(),
                    Figures.ratio(trial.keepRatio()),
                    trial.seed()))
        .raw("<br/><code class=\"muted\">")
        .text(trial.trialId())
        .raw("</code>");
  }
}
