package dev.espalier.scheduler.explain;

import static dev.espalier.scheduler.testing.TestPlatform.SOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.explain.Explanation.Line;
import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class TrialExplainerTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private final TestPlatform platform = TestPlatform.shared();
  private final TrialExplainer explainer = new TrialExplainer(platform.dataSource());

  @Test
  void tellsWhatATrialWentThroughAndWhy() throws Exception {
    String label = "explained";
    String flaky = LabelledPlanning.stageId(label, StageKind.STAGE_KIND_FINETUNE, "trial0");
    FakeWorker.Script script =
        (command, assignment) ->
            command.getStageId().equals(flaky) && assignment.getGeneration() == 1
                ? new Ending.Failure(
                    FailureCategory.FAILURE_CATEGORY_CAPACITY, "OUT_OF_MEMORY", "no memory")
                : TestPlatform.success(command.getStageId());
    String sweep;
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).script(script).build().start()) {
      sweep = platform.submit(scheduler.sweeps(), label, 2);
      platform.awaitState(sweep, "COMPLETED");
    }

    Explanation explanation = explainer.explain(sweep + "-t0").orElseThrow();

    assertThat(explanation.state()).isEqualTo("SUCCEEDED");
    assertThat(explanation.why()).isEqualTo("every stage of its walk is done");
    List<Line> history = explanation.history();
    assertThat(history.get(0).subject()).isEqualTo("sweep");
    assertThat(history.get(0).what()).isEqualTo("accepted with 2 cells in 2 trials");
    assertThat(history.get(0).because()).isEqualTo("asked by tester");
    assertThat(history)
        .extracting(Line::subject, Line::what)
        .contains(org.assertj.core.groups.Tuple.tuple("trial", "succeeded: its last stage is done"))
        .anySatisfy(
            line ->
                assertThat(line.toString())
                    .contains(
                        "finetune", "attempt 1", "capacity OUT_OF_MEMORY: no memory", "counts"))
        .noneSatisfy(line -> assertThat(line.toString()).contains(sweep + "-t1"));
    Line second =
        history.stream()
            .filter(line -> line.what().contains("generation 2"))
            .findFirst()
            .orElseThrow();
    assertThat(second.because()).contains("finetune", "attempt 1").contains("ended");
  }

  @Test
  void saysWhatAWaitingTrialWaitsFor() throws Exception {
    String label = "waiting";
    try (SchedulerRuntime scheduler = platform.scheduler()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 1);
      String trial = sweep + "-t0";
      Eventually.within(
          SOON,
          () ->
              assertThat(explainer.explain(trial).orElseThrow().why())
                  .matches("its search waits for \\d+ s: no live worker can do waiting@1 on cpu"));

      scheduler.sweeps().decide(sweep, new SweepCommand.Pause(), TestPlatform.cause());
      Eventually.within(
          SOON,
          () ->
              assertThat(explainer.explain(trial).orElseThrow().why())
                  .isEqualTo("its search is held: every sweep that wants it is paused"));

      scheduler.sweeps().decide(sweep, new SweepCommand.Cancel("no more"), TestPlatform.cause());
      platform.awaitState(sweep, "CANCELLED");
      Eventually.within(
          SOON,
          () ->
              assertThat(explainer.explain(trial).orElseThrow().why())
                  .isEqualTo("it was cancelled: no more"));
    }
  }

  @Test
  void knowsNothingOfATrialThatIsNotThere() throws Exception {
    assertThat(explainer.explain("nobody")).isEmpty();
  }
}
