package dev.espalier.cli.local;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.text.Units;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Starts the local installation. */
@Command(
    name = "up",
    description = {
      "Start broker, PostgreSQL, scheduler and workers on this machine and leave them running.",
      "They listen on the loopback interface only. Where they run already, nothing is done."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  espalier up", "  espalier up --trainers 4 --data-dir /var/tmp/espalier"})
public final class UpCommand implements Callable<Integer> {

  private static final long STOPPING_MILLIS = 90_000;

  @Mixin private Context context;

  @Option(
      names = "--trainers",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Trainer processes, one thread each. Default: as many as cores and memory bear.")
  private int trainers;

  @Override
  public Integer call() {
    LocalPlatform local = context.local();
    long start = System.nanoTime();
    awaitOther(local, message -> System.err.println(message));
    Optional<String> server = local.server();
    if (server.isPresent()) {
      print(local.state().orElseThrow(), "runs already");
      return ExitCode.DONE;
    }
    Process supervisor = local.launch(trainers, false);
    JsonNode state = local.await(supervisor, List.of("READY"), System.err::println);
    print(state, "up after " + Units.duration((System.nanoTime() - start) / 1e9));
    return ExitCode.DONE;
  }

  private void print(JsonNode state, String how) {
    if (context.json()) {
      context.printJson(state);
    } else {
      System.out.println(how);
      System.out.println("scheduler  " + state.path("server").asText());
      System.out.println("kafka      " + state.path("kafka").asText());
      System.out.println("data       " + context.dataDirectory());
      System.out.println("stop with: espalier down" + context.dataDirOption());
    }
  }

  /** Lets a supervisor that starts or stops come to an end of that. */
  public static void awaitOther(LocalPlatform local, LocalPlatform.Steps steps) {
    boolean told = false;
    long deadline = System.nanoTime() + STOPPING_MILLIS * 1_000_000;
    while (local.isHeld() && local.server().isEmpty()) {
      if (!told) {
        String phase = local.state().map(s -> s.path("phase").asText()).orElse("STARTING");
        steps.step(
            "waiting for the Espalier on %s, which is %s"
                .formatted(local.dataDirectory(), phase.toLowerCase()));
        told = true;
      }
      if (System.nanoTime() > deadline) {
        throw new CommandFailed(
            "the Espalier on %s neither serves nor stops; its log is %s"
                .formatted(local.dataDirectory(), local.log()));
      }
      try {
        Thread.sleep(200);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandFailed("interrupted");
      }
    }
  }
}
