package dev.espalier.sweep.simulation;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class SchedulerSimulationTest {

  private static final long SEEDS = Long.getLong("espalier.simulation.seeds", 300);
  private static final long FIRST = Long.getLong("espalier.simulation.first", 0);

  @Test
  void endsEveryTrialExactlyOnceWhateverGoesWrong() {
    LongStream.range(FIRST, FIRST + SEEDS).forEach(SchedulerSimulationTest::run);
  }

  private static void run(long seed) {
    Simulation simulation = new Simulation(seed);
    try {
      simulation.run();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "seed " + seed + ": " + e.getMessage() + "\n" + simulation.history(), e);
    }
  }
}
