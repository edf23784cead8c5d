package dev.espalier.testkit;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.AssignStage;
import dev.espalier.schemas.stage.v1.AttemptFailed;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.FailureCause;
import dev.espalier.schemas.stage.v1.Measurement;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageInterrupted;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.stage.v1.StageOutput;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.stage.v1.StageStarted;
import dev.espalier.schemas.stage.v1.StageSucceeded;
import dev.espalier.schemas.worker.v1.Capability;
import dev.espalier.schemas.worker.v1.HeldLease;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import dev.espalier.schemas.worker.v1.WorkerHeartbeat;
import dev.espalier.schemas.worker.v1.WorkerJoined;
import dev.espalier.schemas.worker.v1.WorkerLeft;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.utils.Utils;

/**
 * A worker that speaks the real protocol over a real broker and computes nothing: its script says
 * how each stage ends. It is written against the contract alone, so that it also holds the real
 * worker's runtime to it.
 */
public final class FakeWorker implements AutoCloseable {

  private static final Duration POLL = Duration.ofMillis(20);

  /** How a stage ends. */
  public sealed interface Ending {

    /** Succeeds with these outputs (name to any text that stands for the file) and figures. */
    record Success(Map<String, String> outputs, Map<String, Double> measurements)
        implements Ending {}

    record Failure(FailureCategory category, String code, String message) implements Ending {}

    record Interrupted(String reason) implements Ending {}

    /** Holds the lease and never ends. */
    record Hang() implements Ending {}
  }

  /** Says how stages end. */
  @FunctionalInterface
  public interface Script {
    Ending run(StageCommand command, AssignStage assignment);
  }

  private final String workerId;
  private final String service;
  private final String host;
  private final int slots;
  private final List<Capability> capabilities;
  private final Duration heartbeat;
  private final Script script;
  private final TestProducer producer;
  private final KafkaConsumer<String, byte[]> consumer;
  private final Map<String, HeldLease> leases = new ConcurrentHashMap<>();
  private final List<StageCommand> received = new CopyOnWriteArrayList<>();
  private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private volatile boolean silent;
  private volatile boolean closed;
  private long progress;

  private FakeWorker(Builder builder) {
    service = builder.service;
    workerId = service + "-" + UUID.randomUUID();
    host = builder.host;
    slots = builder.slots;
    capabilities = List.copyOf(builder.capabilities);
    heartbeat = builder.heartbeat;
    script = builder.script;
    producer = new TestProducer(builder.bootstrapServers);
    consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers", builder.bootstrapServers,
                "isolation.level", "read_committed",
                "auto.offset.reset", "earliest",
                "fetch.max.wait.ms", "50",
                "reconnect.backoff.max.ms", "500"),
            new StringDeserializer(),
            new ByteArrayDeserializer());
    thread = new Thread(this::run, workerId);
    thread.setDaemon(true);
  }

  public static Builder on(String bootstrapServers) {
    return new Builder(bootstrapServers);
  }

  /** Joins; commands that are sent after this returned arrive. */
  public FakeWorker start() {
    int partition =
        Math.floorMod(
            Utils.murmur2(workerId.getBytes(StandardCharsets.UTF_8)),
            Topics.STAGE_COMMAND_PARTITIONS);
    var place = new TopicPartition(Topics.STAGE_COMMANDS, partition);
    consumer.assign(List.of(place));
    consumer.seek(place, consumer.endOffsets(List.of(place)).get(place));
    send(
        event()
            .setWorkerJoined(
                WorkerJoined.newBuilder()
                    .setService(service)
                    .addAllCapabilities(capabilities)
                    .setSlots(slots)
                    .setDeviceKind("cpu")
                    .setDevice("simulated")
                    .setHost(host)
                    .setEngineVersion("simulated")
                    .setSoftwareVersion("test")));
    thread.start();
    return this;
  }

  public String workerId() {
    return workerId;
  }

  /** Commands for this worker so far. */
  public List<StageCommand> received() {
    return List.copyOf(received);
  }

  /** Goes silent without a word, as after kill -9. */
  public void kill() {
    silent = true;
    stopThread();
  }

  /** Stops or resumes heartbeats and reports; it goes on reading commands. */
  public void silence(boolean silent) {
    this.silent = silent;
  }

  /** Ends a hanging stage. */
  public void end(StageCommand command, Ending ending) {
    tasks.add(() -> finish(command, ending));
  }

  /** Sends a report as it is, for instance one under an old lease. */
  public void report(StageReport report) {
    producer.send(Topics.STAGE_REPORTS, report.getStageId(), report);
  }

  /** A report of the attempt that the command began, to be given its content. */
  public StageReport.Builder reportFor(StageCommand command) {
    return StageReport.newBuilder()
        .setEventId(UUID.randomUUID().toString())
        .setOccurredAt(now())
        .setStageId(command.getStageId())
        .setWorkerId(workerId)
        .setLeaseId(command.getAssignStage().getLeaseId())
        .setGeneration(command.getAssignStage().getGeneration())
        .setTeam(command.getTeam())
        .setCausedBy(command.getEventId());
  }

  /** Leaves in good order; hanging stages are given back. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    stopThread();
    if (!silent) {
      for (StageCommand command : received) {
        if (command.hasAssignStage() && leases.containsKey(command.getAssignStage().getLeaseId())) {
          finish(command, new Ending.Interrupted("the worker drains"));
        }
      }
      send(event().setWorkerLeft(WorkerLeft.newBuilder().setReason("closed")));
    }
    producer.close();
  }

  private void stopThread() {
    closed = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try (consumer) {
      long nextBeat = System.nanoTime();
      while (!closed) {
        try {
          for (var record : consumer.poll(POLL)) {
            StageCommand command = StageCommand.parseFrom(record.value());
            if (command.getWorkerId().equals(workerId)) {
              obey(command);
            }
          }
          for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
          }
          if (!silent && System.nanoTime() >= nextBeat) {
            nextBeat = System.nanoTime() + heartbeat.toNanos();
            beat();
          }
        } catch (KafkaException | IllegalStateException e) {
          // The broker is away; tests do that.
        } catch (InvalidProtocolBufferException e) {
          // Somebody else's rubbish on our partition.
        }
      }
    }
  }

  private void obey(StageCommand command) {
    received.add(command);
    if (command.hasRevokeStage()) {
      String leaseId = command.getRevokeStage().getLeaseId();
      received.stream()
          .filter(StageCommand::hasAssignStage)
          .filter(assigned -> assigned.getAssignStage().getLeaseId().equals(leaseId))
          .filter(assigned -> leases.containsKey(leaseId))
          .forEach(
              assigned ->
                  finish(assigned, new Ending.Interrupted(command.getRevokeStage().getReason())));
      return;
    }
    AssignStage assignment = command.getAssignStage();
    leases.put(
        assignment.getLeaseId(),
        HeldLease.newBuilder()
            .setStageId(command.getStageId())
            .setLeaseId(assignment.getLeaseId())
            .setGeneration(assignment.getGeneration())
            .build());
    if (!silent) {
      report(
          reportFor(command)
              .setStageStarted(StageStarted.newBuilder().setDevice("simulated").setHost(host))
              .build());
    }
    finish(command, script.run(command, assignment));
  }

  private void finish(StageCommand command, Ending ending) {
    if (silent || ending instanceof Ending.Hang) {
      return;
    }
    StageReport.Builder report = reportFor(command);
    if (ending instanceof Ending.Success success) {
      report.setStageSucceeded(succeeded(success));
    } else if (ending instanceof Ending.Failure failure) {
      report.setAttemptFailed(
          AttemptFailed.newBuilder()
              .setCause(
                  FailureCause.newBuilder()
                      .setCategory(failure.category())
                      .setCode(failure.code())
                      .setMessage(failure.message())));
    } else if (ending instanceof Ending.Interrupted interrupted) {
      report.setStageInterrupted(StageInterrupted.newBuilder().setReason(interrupted.reason()));
    }
    report(report.build());
    leases.remove(command.getAssignStage().getLeaseId());
  }

  private static StageSucceeded.Builder succeeded(Ending.Success success) {
    var succeeded = StageSucceeded.newBuilder().setWallSeconds(0.01);
    success
        .outputs()
        .forEach(
            (name, content) ->
                succeeded.addOutputs(
                    StageOutput.newBuilder().setName(name).setArtifact(artifact(content))));
    success
        .measurements()
        .forEach(
            (name, value) ->
                succeeded.addMeasurements(Measurement.newBuilder().setName(name).setValue(value)));
    return succeeded;
  }

  /** A reference to a file that nobody made, named by the hash of the text. */
  public static ArtifactRef artifact(String content) {
    String digest = Sha256.hex(content.getBytes(StandardCharsets.UTF_8));
    return ArtifactRef.newBuilder()
        .setUri("artifact:" + digest)
        .setSha256(digest)
        .setSizeBytes(content.length())
        .setMediaType("application/octet-stream")
        .build();
  }

  private void beat() {
    progress++;
    var beat = WorkerHeartbeat.newBuilder();
    leases.values().forEach(lease -> beat.addLeases(lease.toBuilder().setProgress(progress)));
    send(event().setWorkerHeartbeat(beat));
  }

  private WorkerEvent.Builder event() {
    return WorkerEvent.newBuilder()
        .setEventId(UUID.randomUUID().toString())
        .setOccurredAt(now())
        .setWorkerId(workerId);
  }

  private void send(WorkerEvent.Builder event) {
    producer.send(Topics.WORKER_EVENTS, workerId, event.build());
  }

  private static Timestamp now() {
    Instant now = Instant.now();
    return Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()).build();
  }

  /** Says what the worker can do. */
  public static final class Builder {

    private final String bootstrapServers;
    private final List<Capability> capabilities = new ArrayList<>();
    private String service = "trainer";
    private String host = "host-1";
    private int slots = 1;
    private Duration heartbeat = Duration.ofMillis(200);
    private Script script = (command, assignment) -> new Ending.Success(Map.of(), Map.of());

    private Builder(String bootstrapServers) {
      this.bootstrapServers = bootstrapServers;
    }

    public Builder service(String service) {
      this.service = service;
      return this;
    }

    public Builder host(String host) {
      this.host = host;
      return this;
    }

    public Builder slots(int slots) {
      this.slots = slots;
      return this;
    }

    public Builder can(StageKind kind, String algorithm, int version) {
      capabilities.add(
          Capability.newBuilder()
              .setKind(kind)
              .setAlgorithm(algorithm)
              .setAlgorithmVersion(version)
              .build());
      return this;
    }

    public Builder heartbeat(Duration interval) {
      this.heartbeat = interval;
      return this;
    }

    public Builder script(Script script) {
      this.script = script;
      return this;
    }

    /** A script that looks at the assignment alone. */
    public Builder script(Function<AssignStage, Ending> ending) {
      return script((command, assignment) -> ending.apply(assignment));
    }

    public FakeWorker build() {
      return new FakeWorker(this);
    }
  }
}
