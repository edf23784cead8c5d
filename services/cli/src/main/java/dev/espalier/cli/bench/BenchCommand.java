package dev.espalier.cli.bench;

import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures the engine and the scheduler. */
@Command(
    name = "bench",
    description = "Measure the engine, or the scheduler with simulated workers.",
    subcommands = {
      BenchCommand.Train.class,
      BenchCommand.Infer.class,
      ScaleCommand.Assign.class,
      ScaleCommand.Plan.class,
      ScaleCommand.Metrics.class,
      ScaleCommand.Replay.class,
      ScaleCommand.Boards.class
    })
public final class BenchCommand {

  private BenchCommand() {}

  /** What is measured. */
  static final class Shape {
    @Option(
        names = "--dim",
        paramLabel = "N",
        defaultValue = "96",
        description = "Embedding width. Default: 96.")
    int dim;

    @Option(
        names = "--depth",
        paramLabel = "N",
        defaultValue = "6",
        description = "Blocks. Default: 6.")
    int depth;

    @Option(
        names = "--heads",
        paramLabel = "N",
        defaultValue = "3",
        description = "Heads. Default: 3.")
    int heads;

    @Option(
        names = "--batch",
        paramLabel = "N",
        defaultValue = "64",
        description = "Images of a step. Default: 64.")
    int batch;

    @Option(
        names = "--threads",
        paramLabel = "N",
        defaultValue = "1",
        description = "Threads of one operation. Default: 1.")
    int threads;

    @Option(
        names = "--precision",
        paramLabel = "NAME",
        defaultValue = "fp32",
        description = "fp32 or bf16. Default: fp32.")
    String precision;

    @Option(
        names = "--device",
        paramLabel = "NAME",
        defaultValue = "cpu",
        description = "cpu or gpu0, gpu1, ... Default: cpu.")
    String device;

    @Option(
        names = "--seconds",
        paramLabel = "S",
        defaultValue = "5",
        description = "Seconds of each repetition. Default: 5.")
    double seconds;
  }

  /** Training steps. */
  @Command(
      name = "train",
      description = "Measure training steps: forward, backward, AdamW.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier bench train --dim 192 --depth 12 --precision bf16 -o json")
  static final class Train implements Callable<Integer> {
    @Mixin private Context context;
    @Mixin private Shape shape;

    @Override
    public Integer call() {
      return run("BenchTrain", context, shape);
    }
  }

  /** Forward passes. */
  @Command(
      name = "infer",
      description = "Measure forward passes.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier bench infer --dim 96 --depth 6 --batch 1")
  static final class Infer implements Callable<Integer> {
    @Mixin private Context context;
    @Mixin private Shape shape;

    @Override
    public Integer call() {
      return run("BenchInfer", context, shape);
    }
  }

  /** The engine is measured as the trainer carries it. */
  static String classPath(Path home) {
    Path engine = home.resolve("services/trainer/target/quarkus-app/lib/main");
    return jar(home, "benchmarks") + File.pathSeparator + engine.resolve("*");
  }

  /** The jar of a module of ours, without the name of its version. */
  static Path jar(Path home, String module) {
    Path target = home.resolve("services").resolve(module).resolve("target");
    try (Stream<Path> files = Files.list(target)) {
      return files
          .filter(
              file ->
                  file.getFileName().toString().matches("espalier-" + module + "-[0-9].*\\.jar"))
          .findFirst()
          .orElseThrow(() -> new CommandFailed("not built yet: there is no jar in " + target));
    } catch (IOException e) {
      throw new CommandFailed("not built yet: there is no " + target);
    }
  }

  private static int run(String main, Context context, Shape shape) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx1g", "-Dai.djl.offline=true", "-cp", classPath(Context.home())));
    command.add("dev.espalier.benchmarks." + main);
    command.addAll(
        List.of(
            "--dim", "" + shape.dim,
            "--depth", "" + shape.depth,
            "--heads", "" + shape.heads,
            "--batch", "" + shape.batch,
            "--threads", "" + shape.threads,
            "--precision", shape.precision,
            "--device", shape.device,
            "--seconds", "" + shape.seconds,
            "--output", context.json() ? "json" : "text"));
    return run(
        command,
        Map.of(
            "GLIBC_TUNABLES",
            "glibc.malloc.arena_max=1:glibc.malloc.trim_threshold=8589934592"
                + ":glibc.malloc.mmap_threshold=8589934592:glibc.malloc.top_pad=134217728"));
  }

  /** Runs the measurement to its end. */
  static int run(List<String> command, Map<String, String> environment) {
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    builder.environment().putAll(environment);
    try {
      int code = builder.start().waitFor();
      return code == 0 || code == ExitCode.BAD_INPUT ? code : ExitCode.FAILED;
    } catch (IOException e) {
      throw new CommandFailed("cannot start the measurement: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandFailed("interrupted");
    }
  }
}
