package dev.espalier.messaging.worker;

import com.google.protobuf.Timestamp;
import dev.espalier.schemas.stage.v1.StageInterrupted;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.worker.v1.Capability;
import dev.espalier.schemas.worker.v1.HeldLease;
import dev.espalier.schemas.worker.v1.WorkerHeartbeat;
import dev.espalier.schemas.worker.v1.WorkerJoined;
import java.time.Instant;
import java.util.Collection;
import java.util.List;

/** What a worker says, in the words of the contract. */
final class WorkerMessages {

  private WorkerMessages() {}

  static WorkerJoined introduction(WorkerSettings settings) {
    List<Capability> capabilities =
        settings.algorithms().stream()
            .map(
                algorithm ->
                    Capability.newBuilder()
                        .setKind(algorithm.kind())
                        .setAlgorithm(algorithm.name())
                        .setAlgorithmVersion(algorithm.version())
                        .build())
            .toList();
    return WorkerJoined.newBuilder()
        .setService(settings.service())
        .addAllCapabilities(capabilities)
        .setSlots(settings.slots())
        .setDeviceKind(settings.deviceKind())
        .setDevice(settings.device())
        .setHost(settings.host())
        .putAllLabels(settings.labels())
        .setEngineVersion(settings.engineVersion())
        .setSoftwareVersion(settings.softwareVersion())
        .build();
  }

  /** Lists these attempts' leases. */
  static WorkerHeartbeat heartbeat(Collection<Attempt> attempts) {
    var heartbeat = WorkerHeartbeat.newBuilder();
    for (Attempt attempt : attempts) {
      heartbeat.addLeases(
          HeldLease.newBuilder()
              .setStageId(attempt.stageId())
              .setLeaseId(attempt.leaseId())
              .setGeneration(attempt.generation())
              .setProgress(attempt.headway()));
    }
    return heartbeat.build();
  }

  static StageReport.Builder interrupted(String reason, long step) {
    return StageReport.newBuilder()
        .setStageInterrupted(StageInterrupted.newBuilder().setReason(reason).setStep(step));
  }

  static Timestamp now() {
    Instant now = Instant.now();
    return Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()).build();
  }
}
