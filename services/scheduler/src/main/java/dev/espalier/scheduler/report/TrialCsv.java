package dev.espalier.scheduler.report;

import dev.espalier.scheduler.report.SweepResults.Artifact;
import dev.espalier.scheduler.report.SweepResults.TrialResult;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One row per trial, RFC 4180. Every measurement that any trial has is a column. */
public final class TrialCsv {

  private TrialCsv() {}

  public static String write(SweepResults results) {
    List<String> measured =
        results.trials().stream()
            .flatMap(trial -> trial.measurements().keySet().stream())
            .distinct()
            .sorted()
            .toList();
    StringBuilder csv = new StringBuilder();
    List<String> header =
        new ArrayList<>(
            List.of(
                "sweep_id",
                "trial_id",
                "cell_id",
                "method",
                "redistribution",
                "target_kind",
                "keep_ratio",
                "seed",
                "state"));
    header.addAll(measured);
    header.addAll(List.of("model_sha256", "plan_sha256", "failure_code", "failure_message"));
    row(csv, header.stream());
    for (TrialResult trial : results.trials()) {
      List<String> row = new ArrayList<>();
      row.add(text(results.sweep().id()));
      row.add(text(trial.trialId()));
      row.add(text(trial.cellId()));
      row.add(text(trial.method()));
      row.add(text(trial.redistribution()));
      row.add(text(trial.targetKind()));
      row.add(Double.toString(trial.keepRatio()));
      row.add(Long.toString(trial.seed()));
      row.add(text(trial.state()));
      for (String name : measured) {
        Double value = trial.measurements().get(name);
        row.add(value == null ? "" : value.toString());
      }
      row.add(digest(trial.outputs().get("finetune/model")));
      Artifact redistributed = trial.outputs().get("redistribute/plan");
      row.add(digest(redistributed == null ? trial.outputs().get("prune/plan") : redistributed));
      row.add(trial.failure() == null ? "" : text(trial.failure().code()));
      row.add(trial.failure() == null ? "" : text(trial.failure().message()));
      row(csv, row.stream());
    }
    return csv.toString();
  }

  private static String digest(Artifact artifact) {
    return artifact == null ? "" : artifact.sha256();
  }

  /** Text that a spreadsheet would take for a formula is marked as text. */
  private static String text(String value) {
    if (value == null) {
      return "";
    }
    return !value.isEmpty() && "=+-@\t\r".indexOf(value.charAt(0)) >= 0 ? "'" + value : value;
  }

  private static void row(StringBuilder csv, Stream<String> fields) {
    csv.append(fields.map(TrialCsv::quoted).collect(Collectors.joining(","))).append("\r\n");
  }

  private static String quoted(String field) {
    boolean plain = field.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    return plain ? field : '"' + field.replace("\"", "\"\"") + '"';
  }
}
