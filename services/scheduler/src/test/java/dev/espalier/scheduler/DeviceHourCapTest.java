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
import java.util.List;
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
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker =
            platform.worker(label).slots(2).script(hangingFinetunes()).build().start()) {
      String sweep =
          platform.submit(
              scheduler.sweeps(),
              LabelledPlanning.accepted(label, 4, Map.of("deviceHours", 5)),
              "team-a");
      List<StageCommand> running =
          Eventually.within(
              SOON,
              () -> {
                assertThat(finetunes(worker)).hasSize(2);
                return finetunes(worker);
              });
      assertThat(cap(sweep)).as("of the sweep's text").isEqualTo(5);
      // As if the five hours had passed.
      lowerCap(sweep, 0.1 * SECOND);
      platform.awaitState(sweep, "CAPPED");

      worker.end(running.get(0), TestPlatform.success(running.get(0).getStageId()));
      Eventually.within(
          SOON,
          () ->
              assertThat(
                      platform.column(
                          "select state from stage where stage_id = ?",
                          running.get(0).getStageId()))
                  .containsExactly("SUCCEEDED"));
      assertThat(platform.column("select state from sweep where sweep_id = ?", sweep))
          .as("one still runs")
          .containsExactly("CAPPED");
      worker.end(running.get(1), TestPlatform.success(running.get(1).getStageId()));

      platform.awaitState(sweep, "CANCELLED");
      assertThat(finetunes(worker)).as("nothing started after the cap").hasSize(2);
      assertThat(
              platform.count(
                  "select count(*) from stage where algorithm = ? and kind = 'FINETUNE'"
                      + " and state = 'SUCCEEDED'",
                  label))
          .isEqualTo(2);
      SweepStatus status = new SweepReader(platform.dataSource()).status(sweep).orElseThrow();
      assertThat(status.reason()).startsWith("stopped at its cap of ");
      assertThat(status.deviceHours()).isGreaterThanOrEqualTo(status.deviceHoursCap());
      assertThat(
              platform.column(
                  "select type from event where stream = ? order by version desc limit 8",
                  "sweep-" + sweep))
          .contains("sweep_cap_reached", "sweep_cancelled");
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
      StageCommand search =
          Eventually.within(
              SOON,
              () -> {
                assertThat(worker.received()).isNotEmpty();
                return worker.received().get(0);
              });
      worker.end(search, TestPlatform.success(search.getStageId()));
      platform.awaitState(sweep, "CANCELLED");
      platform.awaitState(others, "COMPLETED");

      assertThat(platform.column("select cancel_reason from sweep where sweep_id = ?", sweep))
          .singleElement()
          .asString()
          .startsWith("stopped at the team's cap of ");
    }
  }

  private double cap(String sweep) throws Exception {
    return Double.parseDouble(
        platform.column("select device_hours_cap from sweep where sweep_id = ?", sweep).get(0));
  }

  private void lowerCap(String sweep, double hours) throws Exception {
    platform.column(
        "update sweep set device_hours_cap = ? where sweep_id = ? returning sweep_id",
        hours,
        sweep);
  }

  private static FakeWorker.Script hangingFinetunes() {
    return (command, assignment) ->
        assignment.getSpec().getKind() == StageKind.STAGE_KIND_FINETUNE
            ? new Ending.Hang()
            : TestPlatform.success(command.getStageId());
  }

  private static FakeWorker.Script hangingSearch() {
    return (command, assignment) -> new Ending.Hang();
  }

  private static List<StageCommand> finetunes(FakeWorker worker) {
    return worker.received().stream()
        .filter(StageCommand::hasAssignStage)
        .filter(
            command ->
                command.getAssignStage().getSpec().getKind() == StageKind.STAGE_KIND_FINETUNE)
        .toList();
  }
}
