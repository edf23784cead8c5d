package dev.espalier.messaging;

import com.google.protobuf.Timestamp;
import dev.espalier.schemas.stage.v1.AssignStage;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.stage.v1.StageProgressed;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.worker.v1.WorkerDraining;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import dev.espalier.testkit.Sha256;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;

/** Valid messages for tests. */
public final class Messages {

  private Messages() {}

  public static String stageId(String name) {
    return Sha256.hex(name.getBytes(StandardCharsets.UTF_8));
  }

  public static Timestamp now() {
    return Timestamp.newBuilder().setSeconds(Instant.now().getEpochSecond()).build();
  }

  public static StageReport progressed(String stage, long step) {
    return StageReport.newBuilder()
        .setEventId(UUID.randomUUID().toString())
        .setOccurredAt(now())
        .setStageId(stageId(stage))
        .setWorkerId("trainer-1")
        .setLeaseId(UUID.randomUUID().toString())
        .setGeneration(1)
        .setStageProgressed(StageProgressed.newBuilder().setStep(step).setTotalSteps(1_000_000))
        .build();
  }

  public static WorkerEvent draining(String workerId) {
    return WorkerEvent.newBuilder()
        .setEventId(UUID.randomUUID().toString())
        .setOccurredAt(now())
        .setWorkerId(workerId)
        .setWorkerDraining(WorkerDraining.getDefaultInstance())
        .build();
  }

  public static StageCommand assign(String workerId, String stage, long generation) {
    return StageCommand.newBuilder()
        .setEventId(UUID.randomUUID().toString())
        .setOccurredAt(now())
        .setWorkerId(workerId)
        .setStageId(stageId(stage))
        .setTeam("team")
        .setAssignStage(
            AssignStage.newBuilder()
                .setLeaseId(UUID.randomUUID().toString())
                .setGeneration(generation)
                .setSpec(
                    StageSpec.newBuilder()
                        .setKind(StageKind.STAGE_KIND_SEARCH)
                        .setAlgorithm("magnitude")
                        .setAlgorithmVersion(1))
                .setSweepId("sweep")
                .setTrialId("trial")
                .setLeaseDurationMs(2_000))
        .build();
  }
}
