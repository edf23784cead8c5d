package dev.espalier.benchmarks.scheduling;

import dev.espalier.schemas.stage.v1.AssignStage;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.sweep.planning.PlannedStage;
import dev.espalier.sweep.planning.StageInput;
import dev.espalier.sweep.planning.SweepPlan;
import dev.espalier.sweep.planning.Trial;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Simulated workers: a quarter of them train in many slots, the others evaluate, each alone on its
 * host. They note when each assignment arrives.
 */
final class Fleet implements AutoCloseable {

  /** Of all workers together. */
  static final int SLOTS = 64;

  private static final Duration TRAINING = Duration.ofMillis(100);
  private static final Duration EVALUATION = Duration.ofMillis(20);

  private final List<FakeWorker> workers = new ArrayList<>();
  private final Map<String, Instant> received = new ConcurrentHashMap<>();
  private final Map<String, String> outputs;

  /**
   * @param like a plan whose kinds of stages the workers can do
   */
  Fleet(String bootstrapServers, int howMany, SweepPlan like) {
    outputs = outputs(like);
    int trainers = howMany / 4;
    int slots = (SLOTS - (howMany - trainers)) / trainers;
    for (int i = 0; i < howMany; i++) {
      boolean trains = i < trainers;
      FakeWorker.Builder worker =
          FakeWorker.on(bootstrapServers)
              .service(trains ? "trainer" : "evaluator")
              .host("host-" + i)
              .slots(trains ? slots : 1)
              .heartbeat(Duration.ofSeconds(3))
              .duration(this::receive)
              .script((command, assignment) -> new Ending.Success(outputs, Map.of("top1", 0.75)));
      capabilities(like).stream()
          .filter(stage -> trains != stage.kind.equals(StageKind.STAGE_KIND_EVALUATE))
          .forEach(stage -> worker.can(stage.kind, stage.algorithm, stage.version));
      workers.add(worker.build().start());
    }
  }

  private record Work(StageKind kind, String algorithm, int version) {}

  private static Set<Work> capabilities(SweepPlan plan) {
    Set<Work> all = new HashSet<>();
    for (Trial trial : plan.trials()) {
      for (PlannedStage stage : trial.stages()) {
        all.add(
            new Work(
                StageKind.valueOf("STAGE_KIND_" + stage.spec().kind().name()),
                stage.spec().algorithm(),
                stage.spec().algorithmVersion()));
      }
    }
    return all;
  }

  /** Every output that some stage reads, and what stands for its file. */
  private static Map<String, String> outputs(SweepPlan plan) {
    Map<String, String> names = new ConcurrentHashMap<>();
    for (Trial trial : plan.trials()) {
      for (PlannedStage stage : trial.stages()) {
        for (StageInput input : stage.spec().inputs()) {
          names.put(input.output(), input.output());
        }
      }
    }
    return Map.copyOf(names);
  }

  private Duration receive(AssignStage assignment) {
    received.putIfAbsent(assignment.getLeaseId(), Instant.now());
    return assignment.getSpec().getKind() == StageKind.STAGE_KIND_EVALUATE ? EVALUATION : TRAINING;
  }

  /** When each lease's assignment arrived. */
  Map<String, Instant> received() {
    return Map.copyOf(received);
  }

  @Override
  public void close() {
    workers.forEach(FakeWorker::kill);
  }
}
