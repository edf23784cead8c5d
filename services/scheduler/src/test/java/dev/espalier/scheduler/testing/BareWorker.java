package dev.espalier.scheduler.testing;

import com.google.protobuf.Timestamp;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.worker.v1.Capability;
import dev.espalier.schemas.worker.v1.HeldLease;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import dev.espalier.schemas.worker.v1.WorkerHeartbeat;
import dev.espalier.schemas.worker.v1.WorkerJoined;
import dev.espalier.schemas.worker.v1.WorkerLeft;
import dev.espalier.testkit.TestProducer;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * A worker that announces itself and heartbeats, and does nothing else: no command reaches it, and
 * the leases that it lists are those it was told of, without any headway.
 */
public final class BareWorker implements AutoCloseable {

  private static final int HEARTBEAT_MS = 300;

  private final String workerId = "trainer-" + UUID.randomUUID();
  private final TestProducer producer;
  private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
  private volatile List<HeldLease> leases = List.of();

  /** Joins with a slot for one kind of a label's stages. */
  public BareWorker(String bootstrapServers, String label, StageKind kind) {
    producer = new TestProducer(bootstrapServers);
    send(
        event()
            .setWorkerJoined(
                WorkerJoined.newBuilder()
                    .setService("trainer")
                    .addCapabilities(
                        Capability.newBuilder()
                            .setKind(kind)
                            .setAlgorithm(label)
                            .setAlgorithmVersion(1))
                    .setSlots(1)
                    .setDeviceKind("cpu")
                    .setDevice("bare")
                    .setHost("bare-" + workerId)
                    .setEngineVersion("none")
                    .setSoftwareVersion("test")));
    clock.scheduleAtFixedRate(this::beat, 0, HEARTBEAT_MS, TimeUnit.MILLISECONDS);
  }

  public String workerId() {
    return workerId;
  }

  /** From now on it says that it holds this. */
  public void holds(String stageId, String leaseId, long generation) {
    leases =
        List.of(
            HeldLease.newBuilder()
                .setStageId(stageId)
                .setLeaseId(leaseId)
                .setGeneration(generation)
                .setProgress(1)
                .build());
  }

  private void beat() {
    send(event().setWorkerHeartbeat(WorkerHeartbeat.newBuilder().addAllLeases(leases)));
  }

  private WorkerEvent.Builder event() {
    Instant now = Instant.now();
    return WorkerEvent.newBuilder()
        .setEventId(UUID.randomUUID().toString())
        .setOccurredAt(
            Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()))
        .setWorkerId(workerId);
  }

  private void send(WorkerEvent.Builder event) {
    producer.send(Topics.WORKER_EVENTS, workerId, event.build());
  }

  /** Leaves, so that no other test's stage is given to it. */
  @Override
  public void close() {
    clock.shutdownNow();
    send(event().setWorkerLeft(WorkerLeft.newBuilder().setReason("closed")));
    producer.close();
  }
}
