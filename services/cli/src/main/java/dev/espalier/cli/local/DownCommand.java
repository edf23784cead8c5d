package dev.espalier.cli.local;

import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Stops the local installation. */
@Command(
    name = "down",
    description = {
      "Stop the local installation. Running stages save what they have and go on after the next up."
    },
    footerHeading = "%nExamples:%n",
    footer = "  espalier down")
public final class DownCommand implements Callable<Integer> {

  private static final long LIMIT_MILLIS = 120_000;

  @Mixin private Context context;

  @Override
  public Integer call() {
    LocalPlatform local = context.local();
    if (!local.isHeld()) {
      if (local.state().isPresent()) {
        local.clean();
      }
      System.out.println("nothing runs on " + context.dataDirectory());
      return ExitCode.DONE;
    }
    local.requestStop();
    if (!local.awaitFree(LIMIT_MILLIS)) {
      throw new CommandFailed("it does not stop; its log is " + local.log());
    }
    System.out.println("stopped");
    return ExitCode.DONE;
  }
}
