package dev.espalier.scheduler;

import static dev.espalier.scheduler.testing.TestPlatform.SOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.sweep.assignment.TeamShare;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Weights and quotas on real tables; that they hold over time is FairnessTest's (module sweep). */
class FairShareTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private final TestPlatform platform = TestPlatform.shared();

  @Test
  void aTeamHoldsNoMoreSlotsThanItsQuotaAndIsChargedForThem() throws Exception {
    String label = "quota";
    FakeWorker.Script hanging =
        (command, assignment) ->
            assignment.getSpec().getKind() == StageKind.STAGE_KIND_FINETUNE
                ? new Ending.Hang()
                : TestPlatform.success(command.getStageId());
    try (SchedulerRuntime scheduler =
            platform.scheduler(Map.of("quota-team", new TeamShare(1, 2)));
        FakeWorker worker = platform.worker(label).slots(4).script(hanging).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 5, "quota-team");
      String training =
          "select count(*) from lease join stage using (stage_id)"
              + " where lease.sweep_id = ? and kind = 'FINETUNE'";
      Eventually.within(SOON, () -> assertThat(platform.count(training, sweep)).isEqualTo(2));
      Eventually.within(
          SOON,
          () ->
              assertThat(
                      platform.count(
                          "select count(*) from stage"
                              + " where algorithm = ? and state = 'RUNNABLE'",
                          label))
                  .as("trials that wait, at their prune or finetune")
                  .isEqualTo(3));
      // Two assignment ticks with two free slots and three stages to give.
      Thread.sleep(600);
      assertThat(platform.count("select count(*) from lease where sweep_id = ?", sweep))
          .isEqualTo(2);

      for (int i = 0; i < 5; i++) {
        StageCommand next = nextHanging(worker, i);
        worker.end(next, TestPlatform.success(next.getStageId()));
      }
      platform.awaitState(sweep, "COMPLETED");
      assertThat(
              platform.column(
                  "select distinct a.team || ' ' || a.sweep_id from attempt a"
                      + " join stage using (stage_id) where algorithm = ?",
                  label))
          .as("who is charged")
          .containsExactly("quota-team " + sweep);
      assertThat(
              platform.column(
                  "select kind || ' ' || remaining from stage where algorithm = ?"
                      + " group by 1 order by min(remaining) desc",
                  label))
          .containsExactly("SEARCH 4", "PRUNE 3", "FINETUNE 2", "EVALUATE 1");
    }
  }

  /** The finetune number {@code index} that the worker got. */
  private static StageCommand nextHanging(FakeWorker worker, int index) {
    return Eventually.within(
        SOON,
        () -> {
          var finetunes =
              worker.received().stream()
                  .filter(StageCommand::hasAssignStage)
                  .filter(
                      command ->
                          command.getAssignStage().getSpec().getKind()
                              == StageKind.STAGE_KIND_FINETUNE)
                  .toList();
          assertThat(finetunes).hasSizeGreaterThan(index);
          return finetunes.get(index);
        });
  }
}
