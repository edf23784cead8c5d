package dev.espalier.scheduler;

import static dev.espalier.scheduler.testing.TestPlatform.SOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.stage.v1.CheckpointSaved;
import dev.espalier.schemas.stage.v1.RevokeStage;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A running stage gives its only slot to a team that has none, and goes on from its checkpoint. */
class PreemptionTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private final TestPlatform platform = TestPlatform.shared();

  @Test
  void aStageYieldsWithACheckpointToATeamThatHoldsNothingAndResumes() throws Exception {
    String greedy = "greedy";
    String starved = "starved";
    String stage = LabelledPlanning.stageId(greedy, StageKind.STAGE_KIND_FINETUNE, "trial0");
    FakeWorker.Script script =
        (command, assignment) ->
            command.getStageId().equals(stage) && assignment.getGeneration() == 1
                ? new Ending.Hang()
                : TestPlatform.success(command.getStageId());
    FakeWorker.Builder builder = platform.worker(greedy).slots(1).script(script);
    for (StageKind kind :
        List.of(
            StageKind.STAGE_KIND_SEARCH,
            StageKind.STAGE_KIND_PRUNE,
            StageKind.STAGE_KIND_FINETUNE,
            StageKind.STAGE_KIND_EVALUATE)) {
      builder.can(kind, starved, 1);
    }
    try (SchedulerRuntime scheduler = platform.scheduler(Map.of());
        FakeWorker worker = builder.build().start()) {
      String first = platform.submit(scheduler.sweeps(), greedy, 1, "greedy-team");
      StageCommand running = assignment(worker, stage);
      worker.report(
          worker
              .reportFor(running)
              .setCheckpointSaved(
                  CheckpointSaved.newBuilder()
                      .setCheckpoint(FakeWorker.artifact("checkpoint"))
                      .setStep(70))
              .build());
      String second = platform.submit(scheduler.sweeps(), starved, 1, "starved-team");

      platform.awaitState(second, "COMPLETED");
      platform.awaitState(first, "COMPLETED");

      assertThat(
              worker.received().stream()
                  .filter(command -> command.hasRevokeStage())
                  .map(StageCommand::getRevokeStage)
                  .toList())
          .singleElement()
          .matches(RevokeStage::getCheckpointFirst)
          .matches(revoke -> revoke.getReason().equals("team starved-team has no slot"));
      StageCommand resumed = assignment(worker, stage);
      assertThat(resumed.getAssignStage().getGeneration()).isEqualTo(2);
      assertThat(resumed.getAssignStage().getCheckpointStep()).isEqualTo(70);
      assertThat(platform.column("select attempts from stage where stage_id = ?", stage))
          .as("an interruption is no failed attempt")
          .containsExactly("0");
      assertThat(
              platform.column(
                  "select type from event where stream = ? and type = 'stage_preempted'",
                  "stage-" + stage))
          .hasSize(1);
    }
  }

  /** The latest assignment of the stage, once there is one. */
  private static StageCommand assignment(FakeWorker worker, String stage) {
    return Eventually.within(
        SOON,
        () -> {
          List<StageCommand> commands =
              worker.received().stream()
                  .filter(StageCommand::hasAssignStage)
                  .filter(command -> command.getStageId().equals(stage))
                  .toList();
          assertThat(commands).isNotEmpty();
          return commands.get(commands.size() - 1);
        });
  }
}
