package dev.espalier.benchmarks.scheduling;

import dev.espalier.benchmarks.Arguments;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What is simulated.
 *
 * @param cells trials, over all sweeps
 * @param workers simulated worker processes, with {@link Fleet#SLOTS} slots together
 * @param rate what is offered each second: stages that become runnable while assignments are
 *     measured, messages of 50 points while metrics are
 * @param output {@code text} or {@code json}
 */
record ScaleOptions(int cells, int workers, int rate, String output) {

  static final String USAGE =
      "assign|plan|metrics|replay|boards [--cells 1000] [--workers 16] [--rate 200] [--output text|json]";

  ScaleOptions {
    List<String> wrong = new ArrayList<>();
    check(wrong, cells >= 20 && cells <= 100_000, "cells", "20..100000", cells);
    check(wrong, workers >= 4 && workers <= 64, "workers", "4..64", workers);
    check(wrong, rate >= 1 && rate <= 10_000, "rate", "1..10000", rate);
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
  static ScaleOptions parse(String[] arguments) {
    Arguments given = Arguments.of(arguments);
    ScaleOptions options =
        new ScaleOptions(
            given.integer("cells", 1000),
            given.integer("workers", 16),
            given.integer("rate", 200),
            given.text("output", "text"));
    given.refuseRest();
    return options;
  }
}
