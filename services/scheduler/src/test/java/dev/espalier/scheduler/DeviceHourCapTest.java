package dev.espalier.scheduler;

import static dev.espalier.scheduler.testing.TestPlatform.SOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.api.SweepReader;
import dev.espalier.scheduler.api.SweepStatus;
import dev.espalier.scheduler.testing.LabelledPlanning;
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

/** Sweeps stop at caps; what runs then ends and counts, and nothing starts any more. */
class DeviceHourCapTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final double SECOND = 1 / 3600.0;

  private final TestPlatform platform = TestPlatform.shared();

  @Test
  void aSweepStopsAtItsCapAndWhatRunsEnds() throws Exception {
    String label = "cap";
    String search = LabelledPlanning.stageId(label, StageKind.STAGE_KIND_SEARCH, "all");
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker =
            platform.worker(label).slots(2).script(hangingSearch()).build().start()) {
      String sweep =
          platform.submit(
              scheduler.sweeps(),
              LabelledPlanning.accepted(label, 4, Map.of("deviceHours", SECOND)),
              "team-a");
      platform.awaitState(sweep, "CAPPED");
      StageCommand running = first(worker);
      assertThat(platform.column("select state from stage where stage_id = ?", search))
          .as("what runs goes on")
          .containsExactly("RUNNING");

      worker.end(running, TestPlatform.success(search));

      platform.awaitState(sweep, "CANCELLED");
      assertThat(platform.column("select state from stage where stage_id = ?", search))
          .as("and its result counts")
          .containsExactly("SUCCEEDED");
      assertThat(worker.received().stream().filter(StageCommand::hasAssignStage))
          .as("nothing started after the cap")
          .hasSize(1);
      SweepStatus status = new SweepReader(platform.dataSource()).status(sweep).orElseThrow();
      assertThat(status.reason()).startsWith("stopped at its cap of ");
      assertThat(status.deviceHoursCap()).isEqualTo(SECOND);
      assertThat(status.deviceHours()).isGreaterThanOrEqualTo(SECOND);
      assertThat(platform.column("select type from event where stream = ?", "sweep-" + sweep))
          .containsSubsequence("sweep_cap_reached", "sweep_cancelled");
    }
  }

  @Test
  void aTeamsCapStopsItsSweepsAndNoOthers() throws Exception {
    String label = "team-cap";
    String other = "team-uncapped";
    TeamShare share = new TeamShare(1, 10, SECOND);
    try (SchedulerRuntime scheduler = platform.scheduler(Map.of("capped-team", share));
        FakeWorker worker =
            platform.worker(label).slots(1).script(hangingSearch()).build().start();
        FakeWorker free = platform.worker(other).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 2, "capped-team");
      String others = platform.submit(scheduler.sweeps(), other, 2, "free-team");

      platform.awaitState(sweep, "CAPPED");
      StageCommand search = first(worker);
      worker.end(search, TestPlatform.success(search.getStageId()));
      platform.awaitState(sweep, "CANCELLED");
      platform.awaitState(others, "COMPLETED");

      assertThat(platform.column("select cancel_reason from sweep where sweep_id = ?", sweep))
          .singleElement()
          .asString()
          .startsWith("stopped at the team's cap of ");
    }
  }

  private static FakeWorker.Script hangingSearch() {
    return (command, assignment) -> new Ending.Hang();
  }

  /** The first thing that the worker was told. */
  private static StageCommand first(FakeWorker worker) {
    return Eventually.within(
        SOON,
        () -> {
          assertThat(worker.received()).isNotEmpty();
          return worker.received().get(0);
        });
  }
}
