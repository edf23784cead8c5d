package dev.espalier.benchmarks.scheduling;

import dev.espalier.sweep.spec.SweepSpec;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** One large sweep: from its acceptance until all its trials and all their stages are known. */
final class PlanBench {

  private static final Duration LIMIT = Duration.ofMinutes(60);

  private PlanBench() {}

  static Map<String, Object> run(ScalePlatform platform, ScaleOptions options) throws SQLException {
    platform.startBroker();
    platform.startScheduler();
    Sweeps sweeps = new Sweeps(platform.dataSource());
    sweeps.submit(Sweeps.spec("warm-up", 100));
    platform.await("select count(*) from trial", 100, LIMIT);
    platform.await("select count(*) from stage_claim", 400, LIMIT);

    SweepSpec spec = Sweeps.spec("large", options.cells());
    long before = System.nanoTime();
    int trials = Sweeps.plan(spec).trials().size();
    double planner = seconds(before);
    long began = System.nanoTime();
    String id = sweeps.submit(spec);
    String ofSweep = " where sweep_id = '" + id + "'";
    platform.await("select count(*) from stage_claim" + ofSweep, 1, LIMIT);
    double first = seconds(began);
    platform.await("select count(*) from trial" + ofSweep, trials, LIMIT);
    double planned = seconds(began);
    platform.await("select count(*) from stage_claim" + ofSweep, 4L * trials, LIMIT);
    double claimed = seconds(began);

    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("benchmark", "plan");
    figures.put("cells", trials);
    figures.put("planner_s", rounded(planner));
    figures.put("first_stage_s", rounded(first));
    figures.put("planned_s", rounded(planned));
    figures.put("claimed_s", rounded(claimed));
    figures.put(
        "largest_message_bytes", platform.number("select max(octet_length(payload)) from event"));
    return figures;
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }

  private static double rounded(double seconds) {
    return Math.round(seconds * 100) / 100.0;
  }
}
