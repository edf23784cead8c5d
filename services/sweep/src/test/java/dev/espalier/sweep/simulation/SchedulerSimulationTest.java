package dev.espalier.sweep.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.sweep.lifecycle.SweepEvent;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class SchedulerSimulationTest {

  private static final long SEEDS = Long.getLong("espalier.simulation.seeds", 300);
  private static final long FIRST = Long.getLong("espalier.simulation.first", 0);

  @Test
  void endsEveryTrialExactlyOnceWhateverGoesWrong() {
    Set<Class<?>> decided = new HashSet<>();
    LongStream.range(FIRST, FIRST + SEEDS).forEach(seed -> run(seed, decided));
    if (SEEDS >= 100) {
      assertThat(decided)
          .as("what these seeds have decided at least once")
          .contains(
              SweepEvent.CellPromoted.class,
              SweepEvent.StopDecided.class,
              SweepEvent.BisectionStepped.class);
    }
  }

  private static void run(long seed, Set<Class<?>> decided) {
    Simulation simulation = new Simulation(seed);
    try {
      simulation.run();
      decided.addAll(simulation.kindsOfSweepEvents());
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "seed " + seed + ": " + e.getMessage() + "\n" + simulation.history(), e);
    }
  }
}
