package dev.espalier.benchmarks.scheduling;

import dev.espalier.scheduler.replay.Replay;
import dev.espalier.scheduler.replay.ReplayOutcome;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * All tables from their events. The events are those of a real sweep of 20 trials that simulated
 * workers ran, copied under other ids as often as the cells ask for.
 */
final class ReplayBench {

  private static final int TRIALS = 20;

  private ReplayBench() {}

  static Map<String, Object> run(ScalePlatform platform, ScaleOptions options)
      throws SQLException, IOException {
    platform.startBroker();
    platform.startScheduler();
    String sweep;
    try (Fleet fleet =
        new Fleet(
            platform.bootstrapServers(),
            options.workers(),
            Sweeps.plan(Sweeps.spec("original", TRIALS)))) {
      sweep = new Sweeps(platform.dataSource()).submit(Sweeps.spec("original", TRIALS));
      platform.await(
          "select count(*) from sweep where state = 'COMPLETED'", 1, Duration.ofMinutes(5));
      platform.await(
          "select 1 - sign(count(*)) from event where published_at is null",
          1,
          Duration.ofMinutes(1));
    }
    platform.stopScheduler();
    new HistoryCopies(platform.dataSource(), sweep).write(options.cells() / TRIALS - 1);
    platform.run("analyze event");

    Replay replay = new Replay(platform.dataSource());
    ReplayOutcome rebuilt = replay.rebuild().orElseThrow();
    ReplayOutcome compared = replay.compare().orElseThrow();

    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("benchmark", "replay");
    figures.put("cells", options.cells());
    figures.put("events", rebuilt.events());
    figures.put("streams", rebuilt.streams());
    figures.put("rebuild_s", Tail.tenths(rebuilt.seconds()));
    figures.put("events_per_s", Math.round(rebuilt.events() / rebuilt.seconds()));
    figures.put("compare_s", Tail.tenths(compared.seconds()));
    figures.put("equal", compared.equal());
    return figures;
  }
}
