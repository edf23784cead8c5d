package dev.espalier.scheduler;

import static dev.espalier.scheduler.testing.TestPlatform.SOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.stage.v1.CheckpointSaved;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.stage.v1.StageOutput;
import dev.espalier.schemas.stage.v1.StageSucceeded;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class SchedulerTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private final TestPlatform platform = TestPlatform.shared();

  @Test
  void completesASmallSweep() throws Exception {
    String label = "happy";
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 3);

      platform.awaitState(sweep, "COMPLETED");

      assertThat(platform.count("select succeeded from sweep where sweep_id = ?", sweep))
          .isEqualTo(3);
      assertThat(
              platform.column(
                  "select state from trial where sweep_id = ? order by trial_id", sweep))
          .containsExactly("SUCCEEDED", "SUCCEEDED", "SUCCEEDED");
      assertThat(
              platform.count(
                  "select count(*) from stage where algorithm = ? and kind = 'SEARCH'", label))
          .as("three trials share one search")
          .isEqualTo(1);
      assertThat(
              platform.count(
                  "select count(*) from trial_measurement where trial_id like ?", sweep + "%"))
          .isEqualTo(3);
      assertThat(platform.count("select count(*) from lease")).isZero();
    }
  }

  @Test
  void resumesElsewhereFromTheCheckpointOfALostWorker() throws Exception {
    String label = "lost";
    String stage = finetune(label);
    FakeWorker lost = platform.worker(label).script(hangingAt(stage)).build().start();
    try (SchedulerRuntime scheduler = platform.scheduler()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 1);
      StageCommand first = assignment(lost, stage);
      lost.report(
          lost.reportFor(first)
              .setCheckpointSaved(
                  CheckpointSaved.newBuilder()
                      .setCheckpoint(FakeWorker.artifact("checkpoint"))
                      .setStep(40))
              .build());
      Eventually.within(
          SOON,
          () ->
              assertThat(
                      platform.count("select checkpoint_step from stage where stage_id = ?", stage))
                  .isEqualTo(40));

      lost.kill();

      try (FakeWorker other = platform.worker(label).build().start()) {
        platform.awaitState(sweep, "COMPLETED");
        StageCommand second = assignment(other, stage);
        assertThat(second.getAssignStage().getGeneration()).isGreaterThan(1);
        assertThat(second.getAssignStage().getCheckpointStep()).isEqualTo(40);
        assertThat(
                platform.column(
                    "select cause_code from attempt where stage_id = ? and generation = 1", stage))
            .containsExactly("WORKER_LOST");
      }
    }
  }

  @Test
  void changesNothingForAReportUnderAnOldLease() throws Exception {
    String label = "stale";
    String stage = finetune(label);
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker slow = platform.worker(label).script(hangingAt(stage)).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 1);
      StageCommand old = assignment(slow, stage);
      slow.silence(true);
      try (FakeWorker other = platform.worker(label).script(hangingAt(stage)).build().start()) {
        StageCommand current = assignment(other, stage);

        slow.report(
            slow.reportFor(old)
                .setStageSucceeded(
                    StageSucceeded.newBuilder()
                        .addOutputs(
                            StageOutput.newBuilder()
                                .setName("result")
                                .setArtifact(FakeWorker.artifact("too late"))))
                .build());

        Eventually.within(
            SOON,
            () ->
                assertThat(
                        platform.column(
                            "select report_type from stale_report where stage_id = ?", stage))
                    .containsExactly("stage_succeeded"));
        other.end(current, TestPlatform.success(stage));
        platform.awaitState(sweep, "COMPLETED");
        assertThat(platform.column("select sha256 from stage_output where stage_id = ?", stage))
            .containsExactly(FakeWorker.artifact("of " + stage).getSha256());
      }
    }
  }

  @Test
  void goesOnWithOneSchedulerWhenAnotherGoes() throws Exception {
    String label = "two";
    try (SchedulerRuntime staying = platform.scheduler();
        FakeWorker worker = platform.worker(label).slots(4).build().start()) {
      String sweep;
      try (SchedulerRuntime going = platform.scheduler()) {
        sweep = platform.submit(going.sweeps(), label, 6);
        Eventually.within(
            SOON,
            () ->
                assertThat(
                        platform.count(
                            "select count(*) from stage where algorithm = ? and state = 'SUCCEEDED'",
                            label))
                    .isPositive());
      }

      platform.awaitState(sweep, "COMPLETED");

      assertThat(platform.count("select succeeded from sweep where sweep_id = ?", sweep))
          .isEqualTo(6);
      assertThat(
              platform.column(
                  "select stream from event where type = 'stage_succeeded' and stream in"
                      + " (select 'stage-' || stage_id from stage where algorithm = ?)"
                      + " group by stream having count(*) > 1",
                  label))
          .as("stages with more than one accepted result")
          .isEmpty();
      assertThat(staying.troubles()).isEmpty();
    }
  }

  @Test
  void expiresNothingWhileTheBrokerIsAway() throws Exception {
    String label = "outage";
    String stage = finetune(label);
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).script(hangingAt(stage)).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 1);
      StageCommand command = assignment(worker, stage);

      KAFKA.stop();
      try {
        Eventually.within(
            SOON,
            () ->
                assertThat(
                        platform.count(
                            "select count(*) from lease where stage_id = ?"
                                + " and until < clock_timestamp() - interval '3 s'",
                            stage))
                    .as("leases that are long overdue")
                    .isEqualTo(1));
      } finally {
        KAFKA.start();
      }

      Eventually.within(
          SOON,
          () ->
              assertThat(
                      platform.count(
                          "select count(*) from lease where stage_id = ?"
                              + " and until > clock_timestamp()",
                          stage))
                  .as("leases renewed after the outage")
                  .isEqualTo(1));
      worker.end(command, TestPlatform.success(stage));
      platform.awaitState(sweep, "COMPLETED");
      assertThat(platform.count("select count(*) from attempt where stage_id = ?", stage))
          .isEqualTo(1);
    }
  }

  @Test
  void answersASecondSweepFromTheStagesOfTheFirst() throws Exception {
    String label = "shared";
    try (SchedulerRuntime scheduler = platform.scheduler()) {
      try (FakeWorker worker = platform.worker(label).build().start()) {
        String first = platform.submit(scheduler.sweeps(), label, 2);
        platform.awaitState(first, "COMPLETED");
      }

      String second = platform.submit(scheduler.sweeps(), label, 2);

      platform.awaitState(second, "COMPLETED");
      assertThat(
              platform.count(
                  "select count(*) from stage_claim where sweep_id = ? and not reused", second))
          .isZero();
      assertThat(
              platform.count(
                  "select count(*) from attempt join stage using (stage_id)"
                      + " where algorithm = ? and attempt.generation > 1",
                  label))
          .isZero();
    }
  }

  @Test
  void takesTheStagesOfACancelledSweepFromTheirWorkers() throws Exception {
    String label = "cancel";
    String stage = LabelledPlanning.stageId(label, StageKind.STAGE_KIND_SEARCH, "all");
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).script(hangingAt(stage)).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 2);
      String lease = assignment(worker, stage).getAssignStage().getLeaseId();

      scheduler
          .sweeps()
          .decide(sweep, new SweepCommand.Cancel("changed my mind"), TestPlatform.cause());

      Eventually.within(
          SOON,
          () ->
              assertThat(worker.received())
                  .anyMatch(command -> command.getRevokeStage().getLeaseId().equals(lease)));
      Eventually.within(
          SOON,
          () ->
              assertThat(
                      platform.column(
                          "select distinct state from stage where algorithm = ?", label))
                  .containsExactly("CANCELLED"));
      assertThat(platform.column("select state from sweep where sweep_id = ?", sweep))
          .containsExactly("CANCELLED");
      assertThat(platform.column("select state from trial where sweep_id = ?", sweep))
          .containsOnly("CANCELLED");
      assertThat(platform.count("select count(*) from lease where stage_id = ?", stage)).isZero();
    }
  }

  @Test
  void holdsWhatIsPausedAndGoesOnAfterwards() throws Exception {
    String label = "pause";
    String stage = finetune(label);
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).script(hangingOnceAt(stage)).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 1);
      assignment(worker, stage);

      scheduler.sweeps().decide(sweep, new SweepCommand.Pause(), TestPlatform.cause());

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

      scheduler.sweeps().decide(sweep, new SweepCommand.Resume(), TestPlatform.cause());
      platform.awaitState(sweep, "COMPLETED");
    }
  }

  @Test
  void triesAgainAfterAPassingFailureAndNotAfterAWrongRequest() throws Exception {
    String label = "failures";
    String wrong = finetune(label);
    String flaky = LabelledPlanning.stageId(label, StageKind.STAGE_KIND_FINETUNE, "trial1");
    FakeWorker.Script script =
        (command, assignment) -> {
          if (command.getStageId().equals(wrong)) {
            return new Ending.Failure(
                FailureCategory.FAILURE_CATEGORY_SPEC, "NAN_LOSS", "the loss is not a number");
          }
          boolean first = assignment.getGeneration() == 1;
          return command.getStageId().equals(flaky) && first
              ? new Ending.Failure(
                  FailureCategory.FAILURE_CATEGORY_CAPACITY, "OUT_OF_MEMORY", "no memory")
              : TestPlatform.success(command.getStageId());
        };
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).script(script).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 2);

      platform.awaitState(sweep, "COMPLETED");

      assertThat(
              platform.column(
                  "select state || coalesce(' ' || failure_code, '') from trial"
                      + " where sweep_id = ? order by trial_id",
                  sweep))
          .containsExactly("FAILED NAN_LOSS", "SUCCEEDED");
      assertThat(platform.count("select count(*) from attempt where stage_id = ?", wrong))
          .isEqualTo(1);
      assertThat(
              platform.column(
                  "select cause_code from attempt where stage_id = ? and generation = 1", flaky))
          .containsExactly("OUT_OF_MEMORY");
    }
  }

  private static String finetune(String label) {
    return LabelledPlanning.stageId(label, StageKind.STAGE_KIND_FINETUNE, "trial0");
  }

  private static FakeWorker.Script hangingAt(String stage) {
    return (command, assignment) ->
        command.getStageId().equals(stage)
            ? new Ending.Hang()
            : TestPlatform.success(command.getStageId());
  }

  private static FakeWorker.Script hangingOnceAt(String stage) {
    return (command, assignment) ->
        command.getStageId().equals(stage) && assignment.getGeneration() == 1
            ? new Ending.Hang()
            : TestPlatform.success(command.getStageId());
  }

  /** The latest assignment of the stage to the worker, once there is one. */
  private static StageCommand assignment(FakeWorker worker, String stage) {
    return Eventually.within(
        SOON,
        () -> {
          List<StageCommand> commands =
              worker.received().stream()
                  .filter(StageCommand::hasAssignStage)
                  .filter(command -> command.getStageId().equals(stage))
                  .toList();
          assertThat(commands).as("assignments of " + stage).isNotEmpty();
          return commands.get(commands.size() - 1);
        });
  }
}
