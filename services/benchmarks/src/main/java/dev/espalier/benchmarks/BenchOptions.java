package dev.espalier.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What is measured. Names and defaults are those of {@code peers/vit_torch_bench.py}, so that both
 * can be called alike; {@code precision}, {@code device} and {@code output} are ours.
 *
 * @param mlp hidden width of the MLP; 0 stands for four times {@code dim}
 * @param seconds of each repetition
 * @param repetitions of which the median counts
 * @param precision {@code fp32} or {@code bf16}
 * @param device {@code cpu} or {@code gpu0}, {@code gpu1}, ...
 * @param output {@code text} or {@code json}
 */
record BenchOptions(
    int image,
    int patch,
    int channels,
    int classes,
    int dim,
    int depth,
    int heads,
    int mlp,
    int batch,
    int threads,
    int repetitions,
    double seconds,
    String precision,
    String device,
    String output) {

  static final String USAGE =
      "[--dim 192] [--depth 12] [--heads 3] [--mlp 0] [--batch 64] [--threads 1] [--precision"
          + " fp32|bf16] [--seconds 5] [--repetitions 3] [--image 28] [--patch 4] [--channels 1]"
          + " [--classes 10] [--device cpu|gpu0] [--output text|json]";

  BenchOptions {
    List<String> wrong = new ArrayList<>();
    check(wrong, image >= 1 && image <= 1024, "image", "1..1024", image);
    check(wrong, patch >= 1 && image % patch == 0, "patch", "a divisor of image", patch);
    check(wrong, channels >= 1 && channels <= 4, "channels", "1..4", channels);
    check(wrong, classes >= 2 && classes <= 100_000, "classes", "2..100000", classes);
    check(wrong, heads >= 1 && heads <= 1024, "heads", "1..1024", heads);
    boolean divides = heads >= 1 && dim >= 1 && dim <= 16_384 && dim % heads == 0;
    check(wrong, divides, "dim", "a multiple of heads up to 16384", dim);
    check(wrong, depth >= 1 && depth <= 256, "depth", "1..256", depth);
    check(wrong, mlp >= 0 && mlp <= 65_536, "mlp", "0..65536", mlp);
    check(wrong, batch >= 1 && batch <= 65_536, "batch", "1..65536", batch);
    check(wrong, threads >= 1 && threads <= 1024, "threads", "1..1024", threads);
    check(wrong, repetitions >= 1 && repetitions <= 1000, "repetitions", "1..1000", repetitions);
    check(wrong, seconds > 0 && seconds <= 3600, "seconds", "above 0, up to 3600", seconds);
    check(wrong, Set.of("fp32", "bf16").contains(precision), "precision", "fp32|bf16", precision);
    check(wrong, device.matches("cpu|gpu\\d{1,2}"), "device", "cpu|gpu<n>", device);
    check(wrong, Set.of("text", "json").contains(output), "output", "text|json", output);
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", wrong));
    }
  }

  private static void check(
      List<String> wrong, boolean holds, String name, String expected, Object found) {
    if (!holds) {
      wrong.add("--%s must be %s but is %s".formatted(name, expected, found));
    }
  }

  /** Reads {@code --name value} pairs; an error names every argument that is wrong. */
  static BenchOptions parse(String[] arguments) {
    Arguments given = Arguments.of(arguments);
    BenchOptions options =
        new BenchOptions(
            given.integer("image", 28),
            given.integer("patch", 4),
            given.integer("channels", 1),
            given.integer("classes", 10),
            given.integer("dim", 192),
            given.integer("depth", 12),
            given.integer("heads", 3),
            given.integer("mlp", 0),
            given.integer("batch", 64),
            given.integer("threads", 1),
            given.integer("repetitions", 3),
            given.number("seconds", 5),
            given.text("precision", "fp32"),
            given.text("device", "cpu"),
            given.text("output", "text"));
    given.refuseRest();
    return options;
  }
}
