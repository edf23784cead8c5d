package dev.espalier.evaluator.stage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.messaging.worker.WorkerSettings.Algorithm;
import dev.espalier.schemas.stage.v1.StageKind;
import org.junit.jupiter.api.Test;

class AnnouncedTest {

  /** Else a sweep with a latency target waits for a worker for ever. */
  @Test
  void anEvaluatorRunsTheTableThatIsPlannedAndTheOneBefore() {
    assertThat(EvaluatorStages.algorithms())
        .contains(
            new Algorithm(StageKind.STAGE_KIND_EVALUATE, "latency-table", 1),
            new Algorithm(StageKind.STAGE_KIND_EVALUATE, "latency-table", LatencyTable.VERSION));
  }
}
