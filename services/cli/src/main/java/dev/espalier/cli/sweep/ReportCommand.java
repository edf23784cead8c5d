package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.server.Scheduler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes a sweep's report. */
@Command(
    name = "report",
    description = {
      "Print a sweep's table and write its report (HTML, CSV, JSON, Markdown) and pruned models.",
      "A sweep that still runs has a report of what is there."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  espalier report 3f2a9c1b7d604e58 --out report",
      "  espalier report 3f2a9c1b7d604e58 --format markdown --no-models > RESULTS.md",
      "  espalier report 3f2a9c1b7d604e58 --out report --no-models -o json"
    })
public final class ReportCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Parameters(paramLabel = "SWEEP", description = "Its id.")
  private String sweepId;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Where to write. Default: reports/SWEEP in the data directory.")
  private Path out;

  @Option(
      names = "--models",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "Write the pruned models too. Default: yes.")
  private boolean models;

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      defaultValue = "text",
      description =
          "What to print: text, the Pareto table; markdown, the evidence over seeds against the"
              + " random controls. Default: text.")
  private Format format;

  /** What is printed. */
  enum Format {
    text,
    markdown
  }

  @Override
  public Integer call() {
    Scheduler scheduler = context.scheduler();
    JsonNode results = scheduler.get("/sweeps/" + Scheduler.encoded(sweepId) + "/results");
    Path directory =
        (out != null
                ? out
                : context
                    .dataDirectory()
                    .resolve("reports")
                    .resolve(results.path("sweep").path("id").asText("sweep")))
            .toAbsolutePath()
            .normalize();
    ReportFiles.Written written = ReportFiles.write(scheduler, sweepId, results, directory, models);
    if (context.json()) {
      context.printJson(
          Map.of(
              "html", written.html().toString(),
              "csv", written.csv().toString(),
              "json", written.json().toString(),
              "markdown", written.markdown().toString(),
              "models", written.models().stream().map(Path::toString).toList()));
    } else if (format == Format.markdown) {
      System.out.print(text(written.markdown()));
    } else {
      ResultsTable.lines(results).forEach(System.out::println);
      System.out.println();
      print(written);
    }
    return ExitCode.DONE;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new CommandFailed("cannot read %s: %s".formatted(file, e.getMessage()));
    }
  }

  /** Where everything is. */
  public static void print(ReportFiles.Written written) {
    System.out.println("report  " + written.html());
    System.out.println("        " + written.csv());
    System.out.println("        " + written.json());
    System.out.println("        " + written.markdown());
    String title = "models  ";
    for (Path model : written.models()) {
      System.out.println(title + model.resolve("model.safetensors"));
      title = "        ";
    }
  }
}
