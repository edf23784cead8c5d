package dev.espalier.benchmarks.scheduling;

import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;

/**
 * What the parts have done since their start.
 *
 * @param commits of the database, of those who watch the measurement, too
 * @param scheduler seconds of processor time, as the others
 * @param workers all simulated workers, and the measurement itself
 */
record Load(double commits, double scheduler, double broker, double workers) {

  static Load of(ScalePlatform platform) throws SQLException {
    return new Load(
        platform.number(
            "select xact_commit from pg_stat_database where datname = current_database()"),
        seconds(platform.schedulerCpu()),
        seconds(platform.brokerCpu()),
        seconds(ProcessHandle.current().info().totalCpuDuration()));
  }

  Load since(Load before) {
    return new Load(
        commits - before.commits,
        scheduler - before.scheduler,
        broker - before.broker,
        workers - before.workers);
  }

  private static double seconds(Optional<Duration> time) {
    return time.map(duration -> duration.toMillis() / 1000.0).orElse(Double.NaN);
  }
}
