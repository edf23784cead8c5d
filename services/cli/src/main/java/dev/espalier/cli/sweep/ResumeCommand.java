package dev.espalier.cli.sweep;

import dev.espalier.cli.Context;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Resumes a sweep or a trial. */
@Command(
    name = "resume",
    description = {"Resume a paused sweep, or one trial. Training goes on from its checkpoint."},
    footerHeading = "%nExamples:%n",
    footer = {
      "  espalier resume 3f2a9c1b7d604e58",
      "  espalier resume 3f2a9c1b7d604e58 --trial 3f2a9c1b7d604e58-1f2e3d4c-s1"
    })
public final class ResumeCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Mixin private Steered steered;

  @Override
  public Integer call() {
    return steered.ask(context, "resume");
  }
}
