package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.server.Scheduler;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Writes what a sweep leaves: {@code report.html}, {@code .csv} and {@code .json}, the evidence as
 * {@code RESULTS.md}, and each finished trial's model as {@code models/<trial>/model.safetensors}
 * with its shape beside it.
 */
public final class ReportFiles {

  /**
   * What was written.
   *
   * @param models directories with a model each
   */
  public record Written(
      Path directory, Path html, Path csv, Path json, Path markdown, List<Path> models) {}

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
  private static final String ARCHITECTURE = "espalier.architecture";
  private static final int LONGEST_HEADER = 16 << 20;
  private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");

  private ReportFiles() {}

  /** Writes into a directory, over what an earlier call wrote. */
  public static Written write(
      Scheduler scheduler, String sweepId, JsonNode results, Path directory, boolean models) {
    String sweep = "/sweeps/" + Scheduler.encoded(sweepId);
    Path html = directory.resolve("report.html");
    Path csv = directory.resolve("report.csv");
    Path json = directory.resolve("report.json");
    scheduler.download(sweep + "/report.html", html);
    scheduler.download(sweep + "/report.csv", csv);
    scheduler.download(sweep + "/report.json", json);
    Path markdown = directory.resolve("RESULTS.md");
    scheduler.download(sweep + "/report.md", markdown);
    List<Path> written = new ArrayList<>();
    if (models) {
      Map<String, String> cells = new HashMap<>();
      for (JsonNode trial : results.path("trials")) {
        String sha256 = trial.path("outputs").path("finetune/model").path("sha256").asText();
        if (DIGEST.matcher(sha256).matches()) {
          String cell = trial.path("cellId").asText();
          boolean taken = !cells.computeIfAbsent(name(trial), name -> cell).equals(cell);
          String name = name(trial) + (taken ? "-" + cell : "");
          Path model = directory.resolve("models").resolve(name);
          scheduler.download("/artifacts/" + sha256, model.resolve("model.safetensors"));
          writeArchitecture(model);
          written.add(model);
        }
      }
    }
    return new Written(directory, html, csv, json, markdown, written);
  }

  /**
   * "nvit-smooth-macs-0.50-s1" or "magnitude_alignment_8-macs-0.50-s1"; of characters that every
   * file system takes.
   */
  static String name(JsonNode trial) {
    String policy = trial.path("redistribution").asText("none");
    return String.format(
            Locale.ROOT,
            "%s%s-%s-%s-s%d",
            trial.path("method").asText(),
            policy.equals("none") ? "" : "-" + policy,
            trial.path("targetKind").asText(),
            ratio(trial.path("keepRatio").asDouble()),
            trial.path("seed").asLong())
        .replaceAll("[^A-Za-z0-9._-]", "_");
  }

  private static String ratio(double keepRatio) {
    String two = String.format(Locale.ROOT, "%.2f", keepRatio);
    return Double.parseDouble(two) == keepRatio ? two : Double.toString(keepRatio);
  }

  /** The model file's own header says its shape; readers of other languages get it as a file. */
  private static void writeArchitecture(Path model) {
    Path file = model.resolve("model.safetensors");
    try {
      Files.writeString(
          model.resolve("architecture.json"),
          JSON.writeValueAsString(architecture(Files.newInputStream(file)))
              + System.lineSeparator());
    } catch (IOException e) {
      throw new CommandFailed("cannot write beside %s: %s".formatted(file, e.getMessage()));
    }
  }

  /** The shape that a model file's header holds. */
  static JsonNode architecture(InputStream file) throws IOException {
    try (DataInputStream in = new DataInputStream(file)) {
      long length = Long.reverseBytes(in.readLong());
      if (length < 2 || length > LONGEST_HEADER) {
        throw new IOException("expected a safetensors header but found a length of " + length);
      }
      byte[] header = in.readNBytes((int) length);
      JsonNode shape =
          JSON.readTree(new String(header, StandardCharsets.UTF_8))
              .path("__metadata__")
              .path(ARCHITECTURE);
      if (!shape.isTextual()) {
        throw new IOException("expected " + ARCHITECTURE + " in the header but found none");
      }
      return JSON.readTree(shape.asText());
    }
  }
}
