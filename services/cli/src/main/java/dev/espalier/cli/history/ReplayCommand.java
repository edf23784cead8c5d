package dev.espalier.cli.history;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.text.Table;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Holds all tables against the events. */
@Command(
    name = "replay",
    description = {
      "Fold all events again and compare with the tables that serve reports and decisions.",
      "Exit code 1 where they differ; --rebuild then writes the tables anew."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  espalier replay", "  espalier replay --rebuild"})
public final class ReplayCommand implements Callable<Integer> {

  private static final Duration LIMIT = Duration.ofHours(1);

  @Mixin private Context context;

  @Option(
      names = "--rebuild",
      description = "Write the tables anew; schedulers wait while it lasts.")
  private boolean rebuild;

  @Override
  public Integer call() {
    JsonNode answer = context.scheduler().post("/replay?rebuild=" + rebuild, LIMIT);
    boolean equal = answer.path("equal").asBoolean();
    if (context.json()) {
      context.printJson(answer);
    } else {
      print(answer, equal);
    }
    return equal || rebuild ? ExitCode.DONE : ExitCode.FAILED;
  }

  private void print(JsonNode answer, boolean equal) {
    Table table = new Table("TABLE", "ROWS", "MISSING", "UNEXPECTED");
    answer
        .path("tables")
        .forEach(
            one ->
                table.row(
                    one.path("table").asText(),
                    one.path("rows").asText(),
                    one.path("missing").asText(),
                    one.path("unexpected").asText()));
    table.lines().forEach(System.out::println);
    System.out.printf(
        Locale.ROOT,
        "%n%d events of %d streams in %.1f s: the tables %s%s%n",
        answer.path("events").asLong(),
        answer.path("streams").asLong(),
        answer.path("seconds").asDouble(),
        equal ? "hold what the events say" : "differ from the events",
        rebuild ? "; they were written anew" : "");
  }
}
