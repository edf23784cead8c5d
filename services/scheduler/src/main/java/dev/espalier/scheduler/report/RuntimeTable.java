package dev.espalier.scheduler.report;

import dev.espalier.scheduler.report.SweepResults.CellResult;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Latency and speed-up in ONNX Runtime beside PyTorch's, which were taken in the same rounds. A
 * sweep whose evaluations did not measure ONNX Runtime has no such table.
 */
final class RuntimeTable {

  private static final List<String> COLUMNS =
      List.of(
          "Latency<small>PyTorch, ms</small>",
          "Latency<small>ONNX Runtime, ms</small>",
          "ONNX gain<small>batch 1</small>",
          "Speed-up<small>ONNX, batch 1</small>",
          "Throughput<small>ONNX, images/s</small>",
          "Speed-up<small>ONNX, batch</small>",
          "Export diff.<small>max abs.</small>");

  private final SweepResults results;
  private final Markup page = new Markup();

  private RuntimeTable(SweepResults results) {
    this.results = results;
  }

  static Markup draw(SweepResults results) {
    return new RuntimeTable(results).table();
  }

  private Markup table() {
    boolean measured =
        results.cells().stream()
            .anyMatch(cell -> cell.measurements().containsKey("onnx_latency_p50_ms"));
    if (!measured) {
      return page;
    }
    page.raw("<h2>In ONNX Runtime</h2><p class=\"lead\">The exported files of the same models, ")
        .raw("float32, in the same rounds as PyTorch. The gain is PyTorch's latency over ONNX ")
        .raw("Runtime's, the speed-up that against the base model in ONNX Runtime.</p>")
        .raw("<div class=\"card scroll\"><table id=\"runtimes\"><thead><tr>")
        .raw("<th class=\"l\">Method</th><th class=\"l\">Redistribution</th><th>Keep</th>");
    COLUMNS.forEach(column -> page.raw("<th>" + column + "</th>"));
    page.raw("</tr></thead><tbody><tr class=\"baserow\"><td class=\"l\">base model</td>")
        .raw("<td></td><td></td>");
    Map<String, Double> base = results.base().measurements();
    Double latency = base.get("latency_p50_ms");
    Double onnx = base.get("onnx_latency_p50_ms");
    value(latency, Figures::digits);
    value(onnx, Figures::digits);
    value(ratio(latency, onnx), Figures::times);
    page.raw("<td></td>");
    value(base.get("onnx_throughput_images_per_s"), Figures::digits);
    page.raw("<td></td><td></td></tr>");
    results.cells().forEach(this::row);
    page.raw("</tbody></table></div>");
    return page;
  }

  private void row(CellResult cell) {
    page.raw("<tr><td class=\"l\">")
        .text(cell.method())
        .raw("</td><td class=\"l\">")
        .text(cell.redistribution())
        .raw("</td><td>")
        .text(Figures.ratio(cell.keepRatio()))
        .raw("<small>")
        .text(cell.targetKind())
        .raw("</small></td>");
    Double latency = mean(cell, "latency_p50_ms");
    Double onnx = mean(cell, "onnx_latency_p50_ms");
    value(latency, Figures::digits);
    value(onnx, Figures::digits);
    value(ratio(latency, onnx), Figures::times);
    value(mean(cell, "onnx_speedup_batch1"), Figures::times);
    value(mean(cell, "onnx_throughput_images_per_s"), Figures::digits);
    value(mean(cell, "onnx_speedup_throughput"), Figures::times);
    Statistic difference = cell.measurements().get("onnx_max_abs_difference");
    value(difference == null ? null : difference.max(), Figures::scientific);
    page.raw("</tr>");
  }

  private static Double mean(CellResult cell, String name) {
    Statistic statistic = cell.measurements().get(name);
    return statistic == null ? null : (Double) statistic.mean();
  }

  private static Double ratio(Double one, Double other) {
    return one == null || other == null ? null : (Double) (one / other);
  }

  private void value(Double value, Function<Double, String> format) {
    if (value == null || value.isNaN()) {
      page.raw("<td>–</td>");
    } else {
      page.raw("<td><data value=\"%s\">%s</data></td>", value, format.apply(value));
    }
  }
}
