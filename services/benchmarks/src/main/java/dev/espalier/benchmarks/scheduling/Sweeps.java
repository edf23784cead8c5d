package dev.espalier.benchmarks.scheduling;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.planning.ArtifactPointer;
import dev.espalier.sweep.planning.Engine;
import dev.espalier.sweep.planning.Planner;
import dev.espalier.sweep.planning.ResolvedInputs;
import dev.espalier.sweep.planning.SweepPlan;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.SweepSpecReader;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import javax.sql.DataSource;

/** Sweeps as users write them: one method at up to 100 keep ratios, each with enough seeds. */
final class Sweeps {

  private static final int MOST_RATIOS = 100;

  private static final ResolvedInputs INPUTS =
      new ResolvedInputs(
          new ArtifactPointer("a".repeat(64), 0, ""),
          VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384),
          new ArtifactPointer("d".repeat(64), 0, ""));

  private final SweepStreams streams;

  Sweeps(DataSource dataSource) {
    streams = new SweepStreams(new EventStore(), new Transactions(dataSource));
  }

  /** Stages of different sweeps are different: what is measured must not be answered by reuse. */
  static SweepSpec spec(String name, int trials) {
    int ratios = Math.min(MOST_RATIOS, trials);
    int seeds = Math.max(1, trials / ratios);
    return SweepSpecReader.read(
            Map.of(
                "name",
                name,
                "model",
                "base",
                "dataset",
                "images",
                "cache",
                false,
                "methods",
                List.of(Map.of("name", "magnitude")),
                "targets",
                Map.of("macs", IntStream.range(0, ratios).mapToObj(i -> 0.3 + i * 0.005).toList()),
                "seeds",
                LongStream.rangeClosed(1, seeds).boxed().toList(),
                "recipe",
                Map.of("epochs", 2L)))
        .orThrow();
  }

  static SweepPlan plan(SweepSpec spec) {
    return Planner.plan(spec, INPUTS, 0, Engine.CPU);
  }

  /** Accepts the sweep as the REST resource does. */
  String submit(SweepSpec spec) throws SQLException {
    String id = Planner.sweepId(spec, INPUTS, 0);
    int cells = spec.targets().macs().size();
    streams.decide(
        id,
        new SweepCommand.Accept(
            new SweepEvent.Accepted(
                spec.canonicalJson(),
                0,
                cells,
                cells * spec.seeds().size(),
                INPUTS.model().sha256(),
                INPUTS.dataset().sha256(),
                INPUTS.base().toJson())),
        new Cause(UUID.randomUUID().toString(), "benchmark", spec.team(), TraceContext.start()));
    return id;
  }
}
