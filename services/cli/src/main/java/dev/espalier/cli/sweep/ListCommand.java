package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.text.Table;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists sweeps. */
@Command(
    name = "list",
    description = "List the sweeps that were handed in, the latest first.",
    footerHeading = "%nExamples:%n",
    footer = {"  espalier list", "  espalier list -o json"})
public final class ListCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Override
  public Integer call() {
    JsonNode sweeps = context.scheduler().get("/sweeps");
    if (context.json()) {
      context.printJson(sweeps);
      return ExitCode.DONE;
    }
    Table table = new Table("sweep", "name", "state", "trials", "failed", "accepted");
    for (JsonNode sweep : sweeps) {
      int ended =
          sweep.path("succeeded").asInt()
              + sweep.path("failed").asInt()
              + sweep.path("cancelled").asInt()
              + sweep.path("stopped").asInt();
      table.row(
          sweep.path("id").asText(),
          sweep.path("name").asText(),
          sweep.path("state").asText(),
          ended + "/" + sweep.path("trials").asInt(),
          sweep.path("failed").asInt(),
          sweep.path("acceptedAt").asText().replaceFirst("\\..*Z$", "Z"));
    }
    if (table.isEmpty()) {
      System.out.println("No sweeps yet; hand one in with: espalier submit FILE");
    } else {
      table.lines().forEach(System.out::println);
    }
    return ExitCode.DONE;
  }
}
