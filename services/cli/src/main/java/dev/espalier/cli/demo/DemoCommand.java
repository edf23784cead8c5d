package dev.espalier.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.BadInput;
import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.Interruption;
import dev.espalier.cli.local.LocalPlatform;
import dev.espalier.cli.local.UpCommand;
import dev.espalier.cli.progress.Snapshot;
import dev.espalier.cli.progress.Watch;
import dev.espalier.cli.registry.Shipped;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.sweep.ReportCommand;
import dev.espalier.cli.sweep.ReportFiles;
import dev.espalier.cli.sweep.ResultsTable;
import dev.espalier.cli.sweep.SweepFile;
import dev.espalier.cli.text.Units;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * The whole product in one command: starts the embedded installation, registers the shipped model
 * and images, runs the example sweep, writes its report and models, and stops. Whatever an earlier
 * run has done is found again, as everything is named by what it is.
 */
@Command(
    name = "demo",
    description = {
      "Run the example sweep on real images, from submission to report.",
      "Starts what it needs and stops it at the end; after Ctrl-C the next run goes on."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  espalier demo",
      "  espalier demo --sweep my-sweep.yaml --keep-running",
      "  espalier demo --data-dir /var/tmp/espalier"
    })
public final class DemoCommand implements Callable<Integer> {

  private static final int MOST_RUNS = 1000;
  private static final long STOP_SECONDS = 120;

  private final long started = System.nanoTime();
  private final List<String> reused = new ArrayList<>();

  @Mixin private Context context;

  @Option(
      names = "--sweep",
      paramLabel = "FILE",
      description = "Another sweep. Default: schemas/examples/demo.yaml.")
  private Path sweepFile;

  @Option(
      names = "--trainers",
      paramLabel = "N",
      defaultValue = "0",
      description = "Trainer processes. Default: as many as cores and memory bear.")
  private int trainers;

  @Option(names = "--keep-running", description = "Leave the services running at the end.")
  private boolean keepRunning;

  private volatile Process supervisor;
  private volatile boolean stopped;

  @Override
  public Integer call() {
    SweepFile sweep =
        SweepFile.read(
            sweepFile != null ? sweepFile : Context.home().resolve("schemas/examples/demo.yaml"));
    String build = System.getProperty("espalier.build.seconds");
    say("data directory  " + context.dataDirectory());
    LocalPlatform local = context.local();
    Scheduler scheduler = context.remote() ? context.scheduler() : bringUp(local);
    Shipped.find("models", sweep.spec().model()).ifPresent(item -> register(scheduler, item));
    Shipped.find("datasets", sweep.spec().dataset()).ifPresent(item -> register(scheduler, item));
    JsonNode submitted = submit(scheduler, sweep);
    String id = submitted.path("sweepId").asText();

    Watch watch = new Watch(scheduler, context.screen(), () -> checkSupervisor(local));
    Snapshot last = watch.follow(id, this::elapsed);
    JsonNode results = scheduler.get("/sweeps/" + id + "/results");
    ReportFiles.Written written =
        ReportFiles.write(
            scheduler, id, results, context.dataDirectory().resolve("reports").resolve(id), true);
    double finished = elapsed();

    System.out.println();
    ResultsTable.lines(results).forEach(System.out::println);
    System.out.println("* on the Pareto front: nothing is as accurate with fewer MACs");
    System.out.println();
    ReportCommand.print(written);
    System.out.println();
    printReuse(results);
    watch
        .firstCurveAt()
        .ifPresent(
            seconds ->
                System.out.printf(
                    "first curve after %s, report after %s%s%n",
                    Units.duration(seconds),
                    Units.duration(finished),
                    build == null
                        ? ""
                        : "; the build before took " + Units.duration(Double.parseDouble(build))));
    bringDown(local);
    return last.state().equals("COMPLETED") && last.failed() == 0 ? ExitCode.DONE : ExitCode.FAILED;
  }

  private double elapsed() {
    return (System.nanoTime() - started) / 1e9;
  }

  private void say(String text) {
    System.out.println(text);
    System.out.flush();
  }

  private Scheduler bringUp(LocalPlatform local) {
    awaitLeashed(local);
    UpCommand.awaitOther(local, this::say);
    Optional<String> running = local.server();
    if (running.isPresent()) {
      say("uses the running services at " + running.get());
      reused.add("the running services");
      return new Scheduler(running.get());
    }
    supervisor = local.launch(trainers, !keepRunning);
    Interruption.cleanUpWith(() -> stopAfterInterrupt(local));
    JsonNode state = local.await(supervisor, List.of("SERVING", "READY"), this::say);
    say(
        "serving at %s after %s"
            .formatted(state.path("server").asText(), Units.duration(elapsed())));
    return new Scheduler(state.path("server").asText());
  }

  /**
   * A supervisor on a leash ends with the demo that started it. One whose demo was just killed may
   * not have noticed yet.
   */
  private void awaitLeashed(LocalPlatform local) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
    while (local.server().isPresent()
        && local.state().filter(state -> state.path("leashed").asBoolean()).isPresent()) {
      if (System.nanoTime() > deadline) {
        throw new CommandFailed(
            "another demo runs on %s; name another place with --data-dir DIR"
                .formatted(local.dataDirectory()));
      }
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CommandFailed("interrupted");
      }
    }
  }

  private void checkSupervisor(LocalPlatform local) {
    Process running = supervisor;
    if (running != null && !running.isAlive()) {
      throw new CommandFailed(
          local
              .state()
              .map(state -> state.path("message").asText())
              .orElse("the supervisor ended; its log is " + local.log()));
    }
  }

  private void register(Scheduler scheduler, Shipped item) {
    byte[] bytes = item.read(Context.home());
    String sha256 = Shipped.sha256(bytes);
    String noun = item.collection().substring(0, item.collection().length() - 1);
    Optional<JsonNode> there =
        scheduler.find("/" + item.collection() + "/" + Scheduler.encoded(item.name()));
    if (there.filter(entry -> entry.path("sha256").asText().equals(sha256)).isPresent()) {
      say("%-7s %s is registered already".formatted(noun, item.name()));
      reused.add(noun + " " + item.name());
      return;
    }
    scheduler.register(item.collection(), item.name(), scheduler.upload(bytes), true);
    say("%-7s %s registered (%s)".formatted(noun, item.name(), Units.bytes(bytes.length)));
  }

  /** A sweep that was cancelled is over, and one that was deleted stays away: then its next run. */
  private JsonNode submit(Scheduler scheduler, SweepFile sweep) {
    for (int run = 0; run < MOST_RUNS; run++) {
      JsonNode answer;
      try {
        answer = scheduler.submit(sweep.text(), run);
      } catch (BadInput e) {
        if (e.violations().stream().allMatch(violation -> violation.field().equals("run"))) {
          continue;
        }
        throw e;
      }
      String state = answer.path("state").asText();
      if (state.equals("CANCELLED")) {
        continue;
      }
      boolean attached = answer.path("attached").asBoolean();
      if (state.equals("PAUSED")) {
        scheduler.post("/sweeps/" + answer.path("sweepId").asText() + "/resume");
      }
      String trials = Units.plural(answer.path("trials").asLong(), "trial");
      String id = answer.path("sweepId").asText();
      if (!attached) {
        say("sweep   %s (%s, %s) handed in".formatted(id, sweep.spec().name(), trials));
      } else if (state.equals("COMPLETED")) {
        say("sweep   %s (%s, %s) was run before".formatted(id, sweep.spec().name(), trials));
        reused.add("all results of sweep " + id);
      } else {
        say("sweep   %s (%s, %s) goes on".formatted(id, sweep.spec().name(), trials));
        reused.add("what sweep " + id + " had done");
      }
      return answer;
    }
    throw new CommandFailed("every run of this sweep was cancelled or deleted");
  }

  private void printReuse(JsonNode results) {
    JsonNode sharing = results.path("sharing");
    if (sharing.path("asked").asInt() > 0) {
      System.out.printf(
          "stages: %d asked for, %d different, %d of them done before; sharing saved %s%n",
          sharing.path("asked").asInt(),
          sharing.path("distinct").asInt(),
          sharing.path("reused").asInt(),
          Units.duration(sharing.path("savedSeconds").asDouble()));
    }
    if (!reused.isEmpty()) {
      System.out.println("reused: " + String.join(", ", reused));
    }
  }

  private void bringDown(LocalPlatform local) {
    Process running = supervisor;
    if (running == null) {
      return;
    }
    if (keepRunning) {
      stopped = true;
      say("left running; stop with: espalier down" + context.dataDirOption());
      return;
    }
    local.requestStop();
    awaitStop(running);
    say("stopped");
  }

  private void stopAfterInterrupt(LocalPlatform local) {
    Process running = supervisor;
    if (stopped || running == null || !running.isAlive()) {
      return;
    }
    System.err.println();
    System.err.println("stopping; what has been done is kept");
    if (running.isAlive()) {
      running.destroy();
    }
    awaitStop(running);
    System.err.println("stopped; to go on: espalier demo" + context.dataDirOption());
  }

  private void awaitStop(Process running) {
    try {
      if (!running.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        running.destroyForcibly();
      }
      stopped = true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
