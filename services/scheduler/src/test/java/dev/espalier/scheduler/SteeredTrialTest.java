package dev.espalier.scheduler;

import static dev.espalier.scheduler.testing.TestPlatform.SOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.stage.v1.RevokeStage;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.sweep.lifecycle.TrialCommand;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** One trial of a sweep is paused, resumed, cancelled; the others go on. */
class SteeredTrialTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private final TestPlatform platform = TestPlatform.shared();

  @Test
  void aPausedTrialGivesItsStageBackWithACheckpointAndGoesOnWhenResumed() throws Exception {
    String label = "pause-trial";
    String stage = finetune(label);
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).script(hangingOnceAt(stage)).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 2);
      awaitAssignment(worker, stage);

      platform.steer(scheduler, sweep + "-t0", new TrialCommand.Pause());

      Eventually.within(
          SOON,
          () ->
              assertThat(
                      platform.column(
                          "select state || ' ' || held || ' ' || attempts from stage"
                              + " where stage_id = ?",
                          stage))
                  .as("given back, held, and not counted as an attempt")
                  .containsExactly("RUNNABLE true 0"));
      assertThat(revocations(worker, stage))
          .singleElement()
          .matches(RevokeStage::getCheckpointFirst);
      Eventually.within(
          SOON,
          () ->
              assertThat(states(sweep))
                  .as("the other trial goes on")
                  .containsExactly("RUNNING true", "SUCCEEDED false"));
      assertThat(platform.column("select state from sweep where sweep_id = ?", sweep))
          .containsExactly("RUNNING");

      platform.steer(scheduler, sweep + "-t0", new TrialCommand.Resume());
      platform.awaitState(sweep, "COMPLETED");
      assertThat(states(sweep)).containsExactly("SUCCEEDED false", "SUCCEEDED false");
    }
  }

  @Test
  void theSweepCompletesWithoutACancelledTrial() throws Exception {
    String label = "cancel-trial";
    String stage = finetune(label);
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).script(hangingOnceAt(stage)).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 2);
      awaitAssignment(worker, stage);

      platform.steer(scheduler, sweep + "-t0", new TrialCommand.Cancel("changed my mind"));

      platform.awaitState(sweep, "COMPLETED");
      assertThat(states(sweep)).containsExactly("CANCELLED false", "SUCCEEDED false");
      assertThat(
              platform.column(
                  "select succeeded || ' ' || cancelled from sweep where sweep_id = ?", sweep))
          .containsExactly("1 1");
      assertThat(revocations(worker, stage)).isNotEmpty();
      assertThat(platform.count("select count(*) from lease where stage_id = ?", stage)).isZero();
    }
  }

  private List<String> states(String sweep) throws Exception {
    return platform.column(
        "select state || ' ' || paused from trial where sweep_id = ? order by trial_id", sweep);
  }

  private static String finetune(String label) {
    return LabelledPlanning.stageId(label, StageKind.STAGE_KIND_FINETUNE, "trial0");
  }

  private static FakeWorker.Script hangingOnceAt(String stage) {
    return (command, assignment) ->
        command.getStageId().equals(stage) && assignment.getGeneration() == 1
            ? new Ending.Hang()
            : TestPlatform.success(command.getStageId());
  }

  private static void awaitAssignment(FakeWorker worker, String stage) {
    Eventually.within(
        SOON,
        () ->
            assertThat(worker.received())
                .anyMatch(
                    command -> command.hasAssignStage() && command.getStageId().equals(stage)));
  }

  private static List<RevokeStage> revocations(FakeWorker worker, String stage) {
    return worker.received().stream()
        .filter(command -> command.hasRevokeStage() && command.getStageId().equals(stage))
        .map(StageCommand::getRevokeStage)
        .toList();
  }
}
