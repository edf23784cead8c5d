package dev.espalier.cli.sweep;

import dev.espalier.cli.Context;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Cancels a sweep or a trial. */
@Command(
    name = "cancel",
    description = {
      "Cancel a sweep, or one trial. Finished trials keep their results; stages that others wait",
      "for go on."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  espalier cancel 3f2a9c1b7d604e58",
      "  espalier cancel 3f2a9c1b7d604e58 --trial 3f2a9c1b7d604e58-1f2e3d4c-s1"
    })
public final class CancelCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Mixin private Steered steered;

  @Override
  public Integer call() {
    return steered.ask(context, "cancel");
  }
}
