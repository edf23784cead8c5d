package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.progress.Snapshot;
import dev.espalier.cli.text.Table;
import dev.espalier.cli.text.Units;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The Pareto table of a sweep: the base model and every cell, accuracy against what it costs. A
 * cell is on the front, marked with a star, where no other is at least as accurate with no more
 * MACs.
 */
public final class ResultsTable {

  private record Row(
      String label,
      String target,
      double top1,
      double deviation,
      double before,
      double macs,
      double params,
      double latency,
      double throughput,
      double speedup,
      String trials) {}

  private ResultsTable() {}

  /** Of the answer to {@code GET /sweeps/{id}/results}. */
  public static List<String> lines(JsonNode results) {
    JsonNode base = results.path("base").path("measurements");
    List<Row> rows = new ArrayList<>();
    rows.add(
        new Row(
            "base",
            "",
            number(base, "top1_accuracy"),
            0,
            Double.NaN,
            number(base, "macs"),
            number(base, "params"),
            number(base, "latency_p50_ms"),
            number(base, "throughput_images_per_s"),
            1,
            ""));
    for (JsonNode cell : results.path("cells")) {
      JsonNode m = cell.path("measurements");
      rows.add(
          new Row(
              Snapshot.methodLabel(cell),
              String.format(
                  Locale.ROOT,
                  "%s %.2f",
                  cell.path("targetKind").asText(),
                  cell.path("keepRatio").asDouble()),
              mean(m, "top1_accuracy"),
              m.path("top1_accuracy").path("deviation").asDouble(0),
              mean(m, "top1_before_recovery"),
              mean(m, "macs"),
              mean(m, "params"),
              mean(m, "latency_p50_ms"),
              mean(m, "throughput_images_per_s"),
              mean(m, "speedup_throughput"),
              cell.path("succeeded").asInt() + "/" + cell.path("trials").asInt()));
    }
    boolean spread = rows.stream().anyMatch(row -> row.deviation() > 0);
    Table table =
        new Table(
            "",
            "model",
            "keep",
            "top-1",
            "before",
            "MACs",
            "params",
            "p50 ms",
            "images/s",
            "speed-up",
            "trials");
    for (Row row : rows) {
      table.row(
          onFront(row, rows) ? "*" : "",
          row.label(),
          row.target(),
          percent(row.top1())
              + (spread && row.deviation() > 0
                  ? " ± " + "%.1f".formatted(100 * row.deviation())
                  : ""),
          percent(row.before()),
          Double.isNaN(row.macs()) ? "-" : Units.count(row.macs()),
          Double.isNaN(row.params()) ? "-" : Units.count(row.params()),
          decimal(row.latency(), 2),
          decimal(row.throughput(), 0),
          Double.isNaN(row.speedup()) ? "-" : decimal(row.speedup(), 2) + "x",
          row.trials());
    }
    return table.lines();
  }

  private static boolean onFront(Row row, List<Row> rows) {
    if (Double.isNaN(row.top1()) || Double.isNaN(row.macs())) {
      return false;
    }
    return rows.stream()
        .noneMatch(
            other ->
                other.top1() >= row.top1()
                    && other.macs() <= row.macs()
                    && (other.top1() > row.top1() || other.macs() < row.macs()));
  }

  private static double mean(JsonNode measurements, String name) {
    return number(measurements.path(name), "mean");
  }

  private static double number(JsonNode tree, String name) {
    return tree.path(name).isNumber() ? tree.path(name).asDouble() : Double.NaN;
  }

  private static String percent(double share) {
    return Double.isNaN(share) ? "-" : Units.percent(share);
  }

  private static String decimal(double value, int digits) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%." + digits + "f", value);
  }
}
