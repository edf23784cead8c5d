package dev.espalier.scheduler.strategy;

import static dev.espalier.scheduler.testing.TestPlatform.SOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.json.Json;
import dev.espalier.scheduler.explain.Explanation;
import dev.espalier.scheduler.explain.Explanation.Line;
import dev.espalier.scheduler.explain.TrialExplainer;
import dev.espalier.scheduler.replay.Replay;
import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.stage.v1.EpochEvaluated;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Strategies over a real broker and a real database; the scheduler is replaced in the middle. */
class StrategiesTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  /** By trial, after the first epoch. */
  private static final double[] TOP1 = {0.2, 0.6, Double.NaN, 0.4};

  private final TestPlatform platform = TestPlatform.shared();

  /**
   * Trains an epoch on a rung's behalf, then holds its slot until it is told to yield or to end.
   */
  private FakeWorker asha(String label) {
    FakeWorker[] self = new FakeWorker[1];
    FakeWorker.Script script =
        (command, assignment) -> {
          int trial = trialOf(label, command);
          if (trial < 0) {
            return TestPlatform.success(command.getStageId());
          }
          if (assignment.getGeneration() > 1) {
            epoch(self[0], command, 2, TOP1[trial]);
            epoch(self[0], command, 4, TOP1[trial]);
            return TestPlatform.success(command.getStageId());
          }
          epoch(self[0], command, 1, TOP1[trial]);
          return new Ending.Hang();
        };
    self[0] = platform.worker(label).slots(4).script(script).build();
    return self[0];
  }

  private static void epoch(FakeWorker worker, StageCommand command, int epoch, double top1) {
    worker.report(
        worker
            .reportFor(command)
            .setEpochEvaluated(EpochEvaluated.newBuilder().setEpoch(epoch).setTop1Accuracy(top1))
            .build());
  }

  private static int trialOf(String label, StageCommand command) {
    for (int trial = 0; trial < TOP1.length; trial++) {
      if (command.getStageId().equals(finetune(label, trial))) {
        return trial;
      }
    }
    return -1;
  }

  private static String finetune(String label, int trial) {
    return LabelledPlanning.stageId(label, StageKind.STAGE_KIND_FINETUNE, "trial" + trial);
  }

  @Test
  void ashaStopsThePoorAndNeverPromotesWhatDivergedAlsoAfterARestart() throws Exception {
    String label = "asha";
    String sweep;
    try (FakeWorker worker = asha(label).start()) {
      try (SchedulerRuntime first = platform.scheduler()) {
        sweep =
            platform.submit(
                first.sweeps(),
                accepted(label, Map.of("strategy", Map.of("name", "asha", "eta", 2))),
                "team-a");
        Eventually.within(
            SOON,
            () ->
                assertThat(platform.count(count(sweep, "trial_epoch_reached")))
                    .as("the first rung is under way")
                    .isPositive());
      }
      try (SchedulerRuntime second = platform.scheduler()) {
        Eventually.within(
            SOON,
            () -> {
              finishWhatWasPromotedWhileItRan(worker, label, sweep);
              assertThat(platform.column("select state from sweep where sweep_id = ?", sweep))
                  .containsExactly("COMPLETED");
            });
      }
    }
    assertThat(
            platform.column(
                "select state || ' ' || coalesce(stop_rule, '') from trial where sweep_id = ?"
                    + " and trial_id like '%t2'",
                sweep))
        .as("what diverged")
        .containsExactly("STOPPED asha");
    assertThat(platform.column("select state from trial where trial_id = ?", sweep + "-t1"))
        .as("the best")
        .containsExactly("SUCCEEDED");
    assertThat(
            platform.count(
                "select succeeded + stopped - trials from sweep where sweep_id = '" + sweep + "'"))
        .isZero();
    assertThat(new Replay(platform.dataSource()).compare().orElseThrow().equal()).isTrue();

    Explanation best =
        new TrialExplainer(platform.dataSource()).explain(sweep + "-t1").orElseThrow();
    assertThat(best.history()).extracting(Line::what).anyMatch(what -> what.contains("promoted"));
    Explanation diverged =
        new TrialExplainer(platform.dataSource()).explain(sweep + "-t2").orElseThrow();
    assertThat(diverged.why()).startsWith("asha stopped it after epoch 1").contains("no top-1");
  }

  /** A cell that was promoted at once keeps its slot, and hangs there by this test's script. */
  private void finishWhatWasPromotedWhileItRan(FakeWorker worker, String label, String sweep)
      throws Exception {
    for (StageCommand command : worker.received()) {
      int trial = trialOf(label, command);
      boolean hangs = command.hasAssignStage() && trial >= 0;
      if (hangs
          && command.getAssignStage().getGeneration() == 1
          && platform.count(
                  "select count(*) from trial where rung > 0 and not waits and trial_id = '"
                      + sweep
                      + "-t"
                      + trial
                      + "'")
              > 0) {
        epoch(worker, command, 2, TOP1[trial]);
        epoch(worker, command, 4, TOP1[trial]);
        worker.end(command, TestPlatform.success(command.getStageId()));
      }
    }
  }

  @Test
  void bisectionTriesOneKeepRatioAfterTheOther() throws Exception {
    String label = "bisection";
    Map<String, Object> strategy = Map.of("name", "bisection", "maxLoss", 0.02, "tolerance", 0.1);
    // Seven candidates 0.2 ... 0.8; the third and larger ones are within the loss.
    FakeWorker.Script script =
        (command, assignment) -> {
          String which =
              assignment.getSpec().getParameters().getFieldsOrThrow("which").getStringValue();
          boolean good = !which.equals("all") && which.charAt(5) - '0' >= 2;
          return new Ending.Success(
              Map.of("result", "of " + command.getStageId()),
              Map.of("top1_accuracy", good ? 0.89 : 0.5, "base_top1_accuracy", 0.9));
        };
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).script(script).build().start()) {
      String json =
          spec(label, Map.of("strategy", strategy, "targets", Map.of("macs", List.of(0.2, 0.8))));
      String sweep =
          platform.submit(
              scheduler.sweeps(),
              new SweepEvent.Accepted(json, 0, 7, 7, "0".repeat(64), "1".repeat(64), ""),
              "team-a");
      platform.awaitState(sweep, "COMPLETED");
      assertThat(
              platform.column(
                  "select right(trial_id, 2) from trial where sweep_id = ? order by planned_at",
                  sweep))
          .containsExactly("t3", "t1", "t2");
      assertThat(platform.count(count(sweep, "bisection_stepped"))).isEqualTo(3);
    }
  }

  private static String count(String sweep, String type) {
    return "select count(*) from event where stream = 'sweep-%s' and type = '%s'"
        .formatted(sweep, type);
  }

  private static SweepEvent.Accepted accepted(String label, Map<String, Object> search) {
    return new SweepEvent.Accepted(
        spec(label, search), 0, TOP1.length, TOP1.length, "0".repeat(64), "1".repeat(64), "");
  }

  private static String spec(String label, Map<String, Object> search) {
    Map<String, Object> spec = new TreeMap<>(search);
    spec.put("name", label);
    spec.put("label", label);
    spec.put("recipe", Map.of("epochs", 4));
    spec.put("seeds", List.of(0));
    return Json.canonical(spec);
  }
}
