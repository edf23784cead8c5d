package dev.espalier.cli.export;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.BadInput;
import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.registry.CheckpointOptions;
import dev.espalier.cli.registry.ImportedModel;
import dev.espalier.cli.server.Scheduler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes a model so that other programs load it. */
@Command(
    name = "export",
    description = {
      "Write a model for other programs, with a card that says where it is from:",
      "a trial's pruned model, or a model file or directory, for which nothing has",
      "to run. ONNX takes normalised images of any batch size."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  espalier export 3f2a9c1b7d604e58-9d0c4e52-s1 --format onnx --out pruned",
      "  espalier export report/models/nvit-macs-0.50-s1 --format onnx --out pruned",
      "  espalier export vit_base_patch16_224/ --format onnx --out vit-base"
    })
public final class ExportCommand implements Callable<Integer> {

  @Mixin private Context context;
  @Mixin private CheckpointOptions checkpoint;

  @Parameters(
      paramLabel = "TRIAL|FILE|DIR",
      description = "Id of a trial, or a model file or directory.")
  private String model;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      split = ",",
      defaultValue = "onnx",
      description = "onnx, safetensors, or both with a comma. Default: onnx.")
  private List<Format> formats;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "Directory to write to; files of the same names are replaced.")
  private Path out;

  @Override
  public Integer call() {
    Path directory = out.toAbsolutePath().normalize();
    boolean isFile = Files.exists(Path.of(model));
    Optional<JsonNode> trial = isFile ? Optional.empty() : Optional.of(trial());
    try (ImportedModel imported =
        isFile
            ? ImportedModel.of(Path.of(model), checkpoint.wishes())
            : downloaded(trial.orElseThrow())) {
      List<ExportedFile> files =
          ExportedFile.write(imported.file(), metadata(trial), formats, directory);
      ModelCard card =
          new ModelCard(called(), imported.architecture(), imported.sha256(), files, trial);
      Path written = ExportedFile.replace(directory, ModelCard.NAME, card.text(dataset(trial)));
      print(imported, files, written);
    } catch (IOException | UncheckedIOException e) {
      throw new CommandFailed("cannot write to %s: %s".formatted(directory, e.getMessage()));
    } catch (IllegalArgumentException e) {
      throw new BadInput("--format", "a format that can hold the model", e.getMessage());
    }
    return ExitCode.DONE;
  }

  /** A trial's id, or the last part of a path: the rest says nothing about the model. */
  private String called() {
    return Path.of(model).toAbsolutePath().normalize().getFileName().toString();
  }

  /** The results document of that trial alone. */
  private JsonNode trial() {
    checkpoint.refuse("none for a trial, whose model is written as it was measured");
    return context
        .scheduler()
        .find("/trials/" + Scheduler.encoded(model))
        .orElseThrow(
            () ->
                new BadInput("TRIAL|FILE|DIR", "a trial's id, a model file or a directory", model));
  }

  private ImportedModel downloaded(JsonNode document) throws IOException {
    JsonNode trial = document.path("trials").path(0);
    String sha256 = trial.path("outputs").path("finetune/model").path("sha256").asText();
    if (sha256.isEmpty()) {
      throw new CommandFailed(
          "trial %s has no model, it is %s".formatted(model, trial.path("state").asText()));
    }
    Path directory = Files.createTempDirectory("espalier-export");
    Path file = directory.resolve("download.safetensors");
    try {
      context.scheduler().download("/artifacts/" + sha256, file);
      ImportedModel imported = ImportedModel.of(file, checkpoint.wishes());
      if (!imported.sha256().equals(sha256)) {
        imported.close();
        throw new CommandFailed(
            "expected the model %s but the scheduler sent %s".formatted(sha256, imported.sha256()));
      }
      return imported;
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(directory);
    }
  }

  /** The dataset as it is registered, where that is still the one that the trial saw. */
  private Optional<JsonNode> dataset(Optional<JsonNode> trial) {
    return trial.flatMap(
        document -> {
          JsonNode used = document.path("sweep").path("dataset");
          return context
              .scheduler()
              .find("/datasets/" + Scheduler.encoded(used.path("name").asText()))
              .filter(found -> found.path("sha256").equals(used.path("sha256")));
        });
  }

  private static Map<String, String> metadata(Optional<JsonNode> trial) {
    Map<String, String> metadata = new LinkedHashMap<>();
    trial.ifPresent(
        document -> {
          metadata.put("espalier.sweep", document.path("sweep").path("id").asText());
          metadata.put("espalier.trial", document.path("trials").path(0).path("trialId").asText());
        });
    return metadata;
  }

  private void print(ImportedModel imported, List<ExportedFile> files, Path card) {
    if (context.json()) {
      context.printJson(
          Map.of(
              "sha256",
              imported.sha256(),
              "files",
              files.stream()
                  .map(file -> Map.of("path", file.path().toString(), "sha256", file.sha256()))
                  .toList(),
              "card",
              card.toString(),
              "notes",
              imported.notes()));
      return;
    }
    imported.notes().forEach(note -> System.out.println("note: " + note));
    files.forEach(file -> System.out.println("model  " + file.path()));
    System.out.println("card   " + card);
  }
}
