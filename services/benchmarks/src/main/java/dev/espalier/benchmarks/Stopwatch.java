package dev.espalier.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;

/** Images per second of a step, on the wall clock and per CPU second of this process. */
final class Stopwatch {

  private static final int WARM_UP_STEPS = 2;
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private Stopwatch() {}

  /**
   * What was measured, as medians over the repetitions.
   *
   * @param imagesPerSecond of wall time
   * @param imagesPerCpuSecond of all threads' CPU time
   */
  record Reading(double imagesPerSecond, double imagesPerCpuSecond) {}

  /**
   * Warms up, then repeats the step for a while, several times.
   *
   * @param await returns when the device has done the steps it was given, before each clock is read
   */
  static Reading measure(
      Runnable step, Runnable await, int batch, double seconds, int repetitions) {
    for (int i = 0; i < WARM_UP_STEPS; i++) {
      step.run();
    }
    await.run();
    double[] wall = new double[repetitions];
    double[] cpu = new double[repetitions];
    for (int i = 0; i < repetitions; i++) {
      long images = 0;
      long wallStart = System.nanoTime();
      long cpuStart = SYSTEM.getProcessCpuTime();
      while (System.nanoTime() - wallStart < seconds * 1e9) {
        step.run();
        images += batch;
      }
      await.run();
      wall[i] = images * 1e9 / (System.nanoTime() - wallStart);
      cpu[i] = images * 1e9 / Math.max(1, SYSTEM.getProcessCpuTime() - cpuStart);
    }
    return new Reading(median(wall), median(cpu));
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
