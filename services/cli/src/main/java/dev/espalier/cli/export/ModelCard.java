package dev.espalier.cli.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.cli.text.Units;
import dev.espalier.onnx.OnnxFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What an exported model is, in Markdown: figures beside the base model's, where each file that led
 * to it is to be found by digest, what goes in and what comes out. Equal inputs give equal text.
 *
 * @param name a trial's id or the name of a file or directory
 * @param sha256 of the model as the artifact store names it
 * @param trial the results document of the one trial; empty for a model from a file
 */
record ModelCard(
    String name,
    VitArchitecture vit,
    String sha256,
    List<ExportedFile> files,
    Optional<JsonNode> trial) {

  static final String NAME = "MODEL_CARD.md";

  /** A figure of the card: its words, its measurement, and how it is written. */
  private record Figure(String words, String measurement, Form form) {}

  private enum Form {
    SHARE,
    COUNT,
    MILLISECONDS,
    PER_SECOND,
    TIMES;

    String of(double value) {
      return switch (this) {
        case SHARE -> Units.percent(value);
        case COUNT -> String.format(Locale.ROOT, "%,d", Math.round(value));
        case MILLISECONDS -> String.format(Locale.ROOT, "%.2f ms", value);
        case PER_SECOND -> String.format(Locale.ROOT, "%,.0f images/s", value);
        case TIMES -> String.format(Locale.ROOT, "%.2f", value);
      };
    }
  }

  private static final List<Figure> FIGURES =
      List.of(
          new Figure("Top-1 accuracy", "top1_accuracy", Form.SHARE),
          new Figure("Top-5 accuracy", "top5_accuracy", Form.SHARE),
          new Figure("Parameters", "params", Form.COUNT),
          new Figure("MACs for one image", "macs", Form.COUNT),
          new Figure("Latency, batch 1, median, PyTorch", "latency_p50_ms", Form.MILLISECONDS),
          new Figure("Throughput, PyTorch", "throughput_images_per_s", Form.PER_SECOND),
          new Figure(
              "Latency, batch 1, median, ONNX Runtime", "onnx_latency_p50_ms", Form.MILLISECONDS),
          new Figure("Throughput, ONNX Runtime", "onnx_throughput_images_per_s", Form.PER_SECOND));

  /**
   * The card.
   *
   * @param dataset as registered, for the numbers that images are normalised with
   */
  String text(Optional<JsonNode> dataset) {
    List<String> lines = new ArrayList<>();
    lines.add("# " + title());
    lines.add("");
    lines.add(
        "A Vision Transformer for images of %d x %d pixels, %d channel%s and %d classes, %s."
            .formatted(
                vit.imageSize(),
                vit.imageSize(),
                vit.channels(),
                vit.channels() == 1 ? "" : "s",
                vit.classes(),
                trial.isPresent() ? "pruned by Espalier" : "written by Espalier"));
    figures(lines);
    origin(lines);
    input(lines, dataset);
    shape(lines);
    files(lines);
    limits(lines);
    return String.join("\n", lines) + "\n";
  }

  private JsonNode sweep() {
    return trial.map(document -> document.path("sweep")).orElse(MissingNode.getInstance());
  }

  private JsonNode one() {
    return trial.map(document -> document.path("trials").path(0)).orElse(MissingNode.getInstance());
  }

  private String title() {
    if (trial.isEmpty()) {
      return plain(name);
    }
    return "%s, %s of the %s of %s"
        .formatted(
            plain(one().path("method").asText()),
            Units.percent(one().path("keepRatio").asDouble()),
            one().path("targetKind").asText().equals("macs")
                ? "MACs"
                : plain(one().path("targetKind").asText()),
            plain(sweep().path("model").path("name").asText()));
  }

  private void figures(List<String> lines) {
    lines.add("");
    lines.add("## Figures");
    lines.add("");
    if (trial.isEmpty()) {
      Cost cost = Cost.of(vit);
      lines.add("| | this model |");
      lines.add("|---|---:|");
      lines.add("| Parameters | %s |".formatted(Form.COUNT.of(cost.params())));
      lines.add("| MACs for one image | %s |".formatted(Form.COUNT.of(cost.macs())));
      return;
    }
    JsonNode measured = one().path("measurements");
    lines.add("| | this model | base model |");
    lines.add("|---|---:|---:|");
    for (Figure figure : FIGURES) {
      JsonNode own = measured.path(figure.measurement());
      if (own.isNumber()) {
        JsonNode base = measured.path("base_" + figure.measurement());
        lines.add(
            "| %s | %s | %s |"
                .formatted(
                    figure.words(),
                    figure.form().of(own.asDouble()),
                    base.isNumber() ? figure.form().of(base.asDouble()) : ""));
      }
    }
    lines.add("");
    JsonNode conditions = trial.get().path("conditions");
    lines.add(
        "Accuracy is of one seed on %s test images of %s. Times were taken in turns with the base model's in one session: %s."
            .formatted(
                conditions.path("testImages").asText("the"),
                plain(sweep().path("dataset").path("name").asText()),
                conditions(conditions)));
    JsonNode difference = measured.path("onnx_max_abs_difference");
    if (difference.isNumber()) {
      lines.add(
          "ONNX Runtime and PyTorch differed by at most %s in any class score when they were compared on test images."
              .formatted(String.format(Locale.ROOT, "%.1e", difference.asDouble())));
    }
  }

  private static String conditions(JsonNode conditions) {
    List<String> parts = new ArrayList<>();
    add(parts, "%s", conditions.path("device"));
    add(parts, "%s thread(s)", conditions.path("threads"));
    add(parts, "%s", conditions.path("precision"));
    add(parts, "%s", conditions.path("engineVersion"));
    add(parts, "%s", conditions.path("onnxRuntimeVersion"));
    add(parts, "throughput at batch %s", conditions.path("batchSize"));
    add(parts, "%s runs", conditions.path("runs"));
    add(parts, "%s warm-up runs", conditions.path("warmUpRuns"));
    return parts.isEmpty() ? "the conditions are not known" : String.join(", ", parts);
  }

  private static void add(List<String> parts, String words, JsonNode value) {
    if (value.isValueNode() && !value.isNull()) {
      parts.add(words.formatted(plain(value.asText())));
    }
  }

  private void origin(List<String> lines) {
    lines.add("");
    lines.add("## Origin");
    lines.add("");
    if (trial.isEmpty()) {
      lines.add("Read from `%s`.".formatted(name.replace('`', '\'')));
      lines.add("");
      lines.add("Model: sha256 `%s`.".formatted(sha256));
      return;
    }
    lines.add(
        "Sweep `%s` (%s), trial `%s`, seed %d."
            .formatted(
                plain(sweep().path("id").asText()),
                plain(sweep().path("name").asText()),
                plain(one().path("trialId").asText()),
                one().path("seed").asLong()));
    lines.add(
        "Each step is named by the SHA-256 of what it computes, each file by that of its bytes.");
    lines.add("");
    lines.add("| what | name | sha256 |");
    lines.add("|---|---|---|");
    row(lines, "base model", sweep().path("model"));
    row(lines, "dataset", sweep().path("dataset"));
    for (JsonNode stage : one().path("stages")) {
      row(lines, "step", stageName(stage.asText()), stage.asText());
    }
    one()
        .path("outputs")
        .properties()
        .forEach(
            output ->
                row(lines, "file", output.getKey(), output.getValue().path("sha256").asText()));
    row(lines, "this model", "finetune/model", sha256);
  }

  private String stageName(String id) {
    for (JsonNode stage : trial.orElseThrow().path("stages")) {
      if (stage.path("stageId").asText().equals(id)) {
        return "%s, %s@%d"
            .formatted(
                stage.path("kind").asText().toLowerCase(Locale.ROOT),
                stage.path("algorithm").asText(),
                stage.path("algorithmVersion").asInt());
      }
    }
    return "";
  }

  private static void row(List<String> lines, String what, JsonNode source) {
    row(lines, what, source.path("name").asText(), source.path("sha256").asText());
  }

  private static void row(List<String> lines, String what, String name, String digest) {
    lines.add("| %s | %s | `%s` |".formatted(what, plain(name), plain(digest)));
  }

  private void input(List<String> lines, Optional<JsonNode> dataset) {
    lines.add("");
    lines.add("## Input and output");
    lines.add("");
    lines.add(
        "`%s`: float32, (batch, %d, %d, %d), for any batch: pixels scaled to [0, 1], less the mean, divided by the deviation of each channel."
            .formatted(OnnxFile.INPUT, vit.channels(), vit.imageSize(), vit.imageSize()));
    dataset
        .map(found -> found.path("summary"))
        .filter(summary -> summary.path("mean").isArray())
        .ifPresent(
            summary ->
                lines.add(
                    "Mean %s, deviation %s.".formatted(summary.path("mean"), summary.path("std"))));
    lines.add("");
    lines.add(
        "`%s`: float32, (batch, %d), one score for each class, before softmax."
            .formatted(OnnxFile.OUTPUT, vit.classes()));
  }

  private void shape(List<String> lines) {
    lines.add("");
    lines.add("## Shape");
    lines.add("");
    lines.add(
        "Patches of %d pixels, embedding %d, %s, %d blocks:"
            .formatted(
                vit.patchSize(),
                vit.embedding(),
                vit.prefixTokens() == 2 ? "class and distillation token" : "class token",
                vit.depth()));
    lines.add("");
    lines.add("| block | mixes by | heads | q, k | v | MLP | tokens |");
    lines.add("|---:|---|---:|---:|---:|---:|---:|");
    for (int l = 0; l < vit.depth(); l++) {
      BlockShape block = vit.blocks().get(l);
      lines.add(
          "| %d | %s | %d | %d | %d | %d | %d |"
              .formatted(
                  l,
                  block.attention().text(),
                  block.heads(),
                  block.qkWidth(),
                  block.vWidth(),
                  block.mlpHidden(),
                  vit.flow().blocks().get(l).out()));
    }
  }

  private void files(List<String> lines) {
    lines.add("");
    lines.add("## Files");
    lines.add("");
    lines.add("| file | size | sha256 |");
    lines.add("|---|---:|---|");
    for (ExportedFile file : files) {
      lines.add(
          "| %s | %s | `%s` |"
              .formatted(file.path().getFileName(), Units.bytes(file.sizeBytes()), file.sha256()));
    }
    for (ExportedFile file : files) {
      switch (file.path().getFileName().toString()) {
        case ExportedFile.ONNX_NAME ->
            code(
                lines,
                "python",
                "import onnxruntime",
                "session = onnxruntime.InferenceSession(\"%s\")".formatted(ExportedFile.ONNX_NAME),
                "scores, = session.run(None, {\"%s\": images})".formatted(OnnxFile.INPUT));
        case ModelFile.WEIGHTS_NAME ->
            code(lines, "sh", "espalier model add NAME .   # to prune it further");
        default -> {
          // The shape is read with the weights.
        }
      }
    }
  }

  private static void code(List<String> lines, String language, String... text) {
    lines.add("");
    lines.add("```" + language);
    lines.addAll(List.of(text));
    lines.add("```");
  }

  private void limits(List<String> lines) {
    lines.add("");
    lines.add("## Limits");
    lines.add("");
    lines.add(
        trial.isPresent()
            ? "The figures hold for these test images and this device; other data and devices were"
                + " not tried."
            : "No images were tried: the counts follow from the shape.");
    lines.add(
        "The licence is that of the base model and of the dataset, which Espalier does not know.");
  }

  /** Names within a table stay in their cell. */
  private static String plain(String text) {
    return text.replaceAll("[|`\\r\\n<>\\[\\]]", "_");
  }
}
