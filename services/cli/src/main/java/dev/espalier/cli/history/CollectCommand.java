package dev.espalier.cli.history;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.text.Units;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Removes what nothing refers to from the artifact store. */
@Command(
    name = "gc",
    description = {
      "Remove files of the artifact store that nothing refers to, as the scheduler does every hour.",
      "A file goes a grace (24 h) after it was written and after it was first found unreferenced."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  espalier gc --dry-run", "  espalier gc"})
public final class CollectCommand implements Callable<Integer> {

  private static final Duration LIMIT = Duration.ofHours(1);

  @Mixin private Context context;

  @Option(names = "--dry-run", description = "Say what would go; change nothing.")
  private boolean dryRun;

  @Override
  public Integer call() {
    JsonNode found = context.scheduler().post("/collection?dryRun=" + dryRun, LIMIT);
    if (context.json()) {
      context.printJson(found);
      return ExitCode.DONE;
    }
    System.out.printf(
        "%s, %s: %d in use, %d young, %d wait for their grace, %d (%s) %s%n",
        Units.plural(found.path("artifacts").asLong(), "artifact"),
        Units.bytes(found.path("bytes").asDouble()),
        found.path("inUse").asLong(),
        found.path("young").asLong(),
        found.path("waiting").asLong(),
        found.path("removed").asLong(),
        Units.bytes(found.path("removedBytes").asDouble()),
        dryRun ? "would go" : "removed");
    return ExitCode.DONE;
  }
}
