package dev.espalier.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.explain.TrialExplainer;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Speed is measured where the sweep asks for it, with nothing beside it. */
class LabelledWorkerTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final String ROOM = "on-the-bench";

  private static final String BESIDE_AN_EVALUATION =
      """
      select count(*) from attempt a join attempt b on a.host = b.host and a.stage_id <> b.stage_id
        and a.assigned_at < b.ended_at and b.assigned_at < a.ended_at
      join stage s on s.stage_id = a.stage_id
      where s.kind = 'EVALUATE' and a.sweep_id = ?
      """;

  private final TestPlatform platform = TestPlatform.shared();

  @Test
  void evaluationsWaitForTheLabelledWorkerAndRunThereAlone() throws Exception {
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker anywhere = platform.worker(ROOM).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), ROOM, 3);
      Eventually.within(
          TestPlatform.SOON,
          () ->
              assertThat(
                      platform.column(
                          "select s.state from stage s join stage_claim c using (stage_id)"
                              + " where c.sweep_id = ? and s.kind = 'EVALUATE'",
                          sweep))
                  .containsExactly("RUNNABLE", "RUNNABLE", "RUNNABLE"));
      assertThat(
              new TrialExplainer(platform.dataSource()).explain(sweep + "-t0").orElseThrow().why())
          .contains("no live worker can do", "with room=on-the-bench");
      assertThat(evaluations(anywhere)).isEmpty();

      try (FakeWorker bench =
          platform
              .worker(ROOM)
              .label("room", ROOM)
              .duration(assignment -> Duration.ofMillis(300))
              .build()
              .start()) {
        platform.awaitState(sweep, "COMPLETED");
        assertThat(evaluations(bench)).hasSize(3);
        assertThat(evaluations(anywhere)).isEmpty();
      }
      assertThat(platform.count(BESIDE_AN_EVALUATION, sweep)).isZero();
    }
  }

  private static List<StageCommand> evaluations(FakeWorker worker) {
    return worker.received().stream()
        .filter(StageCommand::hasAssignStage)
        .filter(
            command ->
                command.getAssignStage().getSpec().getKind() == StageKind.STAGE_KIND_EVALUATE)
        .toList();
  }
}
