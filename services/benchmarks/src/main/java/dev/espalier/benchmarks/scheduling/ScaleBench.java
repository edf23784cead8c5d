package dev.espalier.benchmarks.scheduling;

import dev.espalier.benchmarks.Figures;
import java.util.Arrays;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

/**
 * {@code espalier bench assign|plan|metrics|replay|boards}: the scheduler over a real broker and a
 * real database, with simulated workers.
 */
public final class ScaleBench {

  private ScaleBench() {}

  /** Options as {@link ScaleOptions}; exit code 0, or 2 where they are wrong. */
  public static void main(String[] arguments) throws Exception {
    quiet();
    ScaleOptions options;
    try {
      if (arguments.length == 0) {
        throw new IllegalArgumentException("expected one of assign, plan, metrics, replay, boards");
      }
      options = ScaleOptions.parse(Arrays.copyOfRange(arguments, 1, arguments.length));
      System.out.println(text(run(arguments[0], options), options.output()));
      System.exit(0);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.err.println("usage: bench " + ScaleOptions.USAGE);
      System.exit(2);
    }
  }

  static Map<String, Object> run(String what, ScaleOptions options) throws Exception {
    try (ScalePlatform platform = new ScalePlatform()) {
      return switch (what) {
        case "assign" -> AssignBench.run(platform, options);
        case "plan" -> PlanBench.run(platform, options);
        case "metrics" -> MetricsBench.run(platform, options);
        case "replay" -> ReplayBench.run(platform, options);
        case "boards" -> BoardsBench.run(platform, options, BoardsBench.POINTS);
        default ->
            throw new IllegalArgumentException(
                "expected one of assign, plan, metrics, replay, boards but found " + what);
      };
    }
  }

  private static String text(Map<String, Object> figures, String output) {
    return output.equals("json")
        ? Figures.json(figures)
        : figures.entrySet().stream()
            .map(figure -> figure.getKey() + ": " + figure.getValue())
            .collect(Collectors.joining("\n"));
  }

  /** Standard output belongs to the figures, and the log of clients that come and go to nobody. */
  static void quiet() {
    Logger.getLogger("").setLevel(Level.WARNING);
    Logger.getLogger("org.apache.kafka").setLevel(Level.SEVERE);
  }
}
