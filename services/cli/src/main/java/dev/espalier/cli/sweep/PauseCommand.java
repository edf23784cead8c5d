package dev.espalier.cli.sweep;

import dev.espalier.cli.Context;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Pauses a sweep or a trial. */
@Command(
    name = "pause",
    description = {
      "Pause a sweep, or one trial. What runs is taken from its worker after a checkpoint.",
      "Stages that others wait for go on."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  espalier pause 3f2a9c1b7d604e58",
      "  espalier pause 3f2a9c1b7d604e58 --trial 3f2a9c1b7d604e58-1f2e3d4c-s1"
    })
public final class PauseCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Mixin private Steered steered;

  @Override
  public Integer call() {
    return steered.ask(context, "pause");
  }
}
