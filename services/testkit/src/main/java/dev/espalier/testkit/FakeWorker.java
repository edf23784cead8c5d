package dev.espalier.testkit;

import static java.util.Comparator.comparingLong;

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
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
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

  /** What a silent broker costs before the next try. */
  private static final Map<String, Object> IMPATIENT =
      Map.of(
          "max.block.ms", "3000",
          "request.timeout.ms", "2000",
          "delivery.timeout.ms", "3000",
          "reconnect.backoff.max.ms", "500");

  /** For the last words of a worker that leaves. */
  private static final Duration FAREWELL = Duration.ofSeconds(30);

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
  private final Map<String, String> labels;
  private final List<Capability> capabilities;
  private final Duration heartbeat;
  private final Script script;
  private final Function<AssignStage, Duration> duration;
  private final TestProducer producer;
  private final ReportOutbox outbox;
  private final KafkaConsumer<String, byte[]> consumer;
  private final Map<String, StageCommand> held = new ConcurrentHashMap<>();
  private final List<StageCommand> received = Collections.synchronizedList(new ArrayList<>());
  private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final PriorityQueue<Due> due = new PriorityQueue<>(comparingLong(Due::nanoTime));
  private final Thread thread;
  private final Thread beats;
  private final List<Duration> silences = Collections.synchronizedList(new ArrayList<>());
  private volatile boolean silent;
  private volatile boolean closed;
  private volatile boolean killed;

  /** When a stage is over. */
  private record Due(long nanoTime, StageCommand command) {}

  private FakeWorker(Builder builder) {
    service = builder.service;
    workerId = service + "-" + UUID.randomUUID();
    host = builder.host;
    slots = builder.slots;
    labels = Map.copyOf(builder.labels);
    capabilities = List.copyOf(builder.capabilities);
    heartbeat = builder.heartbeat;
    script = builder.script;
    duration = builder.duration;
    producer = new TestProducer(builder.bootstrapServers, IMPATIENT);
    outbox = new ReportOutbox(producer, builder.twice);
    consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers", builder.bootstrapServers,
                "isolation.level", "read_committed",
                "auto.offset.reset", "earliest",
                "fetch.max.wait.ms", "500",
                "reconnect.backoff.max.ms", "500"),
            new StringDeserializer(),
            new ByteArrayDeserializer());
    thread = new Thread(this::run, workerId);
    thread.setDaemon(true);
    beats = new Thread(this::beats, workerId + "-heartbeat");
    beats.setDaemon(true);
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
                    .putAllLabels(labels)
                    .setEngineVersion("simulated")
                    .setSoftwareVersion("test")));
    thread.start();
    beats.start();
    return this;
  }

  public String workerId() {
    return workerId;
  }

  /** Commands for this worker so far. */
  public List<StageCommand> received() {
    synchronized (received) {
      return List.copyOf(received);
    }
  }

  /** Stages that this worker believes are its own. */
  public int holds() {
    return held.size();
  }

  /** How often the broker heard nothing from it for so long, be it for want of a processor. */
  public int silences(Duration atLeast) {
    synchronized (silences) {
      return (int) silences.stream().filter(gap -> gap.compareTo(atLeast) >= 0).count();
    }
  }

  /** Goes silent without a word, as after kill -9; what it has not yet said is lost. */
  public void kill() {
    killed = true;
    silent = true;
    stopThread();
    producer.close();
  }

  /**
   * Stops or resumes heartbeats and reports; it goes on reading commands, and what it has to report
   * waits, as in a process that is suspended.
   */
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
      List.copyOf(held.values())
          .forEach(command -> finish(command, new Ending.Interrupted("the worker drains")));
      Eventually.within(
          FAREWELL,
          () -> {
            outbox.drain();
            send(event().setWorkerLeft(WorkerLeft.newBuilder().setReason("closed")));
          });
    }
    producer.close();
  }

  private void stopThread() {
    closed = true;
    beats.interrupt();
    try {
      thread.join();
      beats.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try (consumer) {
      while (!closed) {
        try {
          for (var record : consumer.poll(POLL)) {
            obey(record.value());
          }
          for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
          }
          while (!due.isEmpty() && due.peek().nanoTime() <= System.nanoTime()) {
            end(due.remove().command());
          }
          if (!silent) {
            outbox.drain();
          }
        } catch (KafkaException | IllegalStateException e) {
          // The broker is away; tests do that. What was not answered for is said again.
        }
      }
    }
  }

  /** Apart from the reports, which may have to wait for their partition's return. */
  private void beats() {
    long heard = System.nanoTime();
    for (long progress = 1; !closed; progress++) {
      try {
        if (!silent) {
          beat(progress);
          silences.add(Duration.ofNanos(System.nanoTime() - heard));
          heard = System.nanoTime();
        }
        Thread.sleep(heartbeat.toMillis());
      } catch (KafkaException | IllegalStateException e) {
        // The broker is away; the next one will do.
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void obey(byte[] record) {
    StageCommand command;
    try {
      command = StageCommand.parseFrom(record);
    } catch (InvalidProtocolBufferException e) {
      return; // somebody else's rubbish on our partition
    }
    if (!command.getWorkerId().equals(workerId)) {
      return;
    }
    received.add(command);
    if (command.hasRevokeStage()) {
      StageCommand revoked = held.get(command.getRevokeStage().getLeaseId());
      if (revoked != null) {
        finish(revoked, new Ending.Interrupted(command.getRevokeStage().getReason()));
      }
      return;
    }
    AssignStage assignment = command.getAssignStage();
    held.put(assignment.getLeaseId(), command);
    outbox.add(
        reportFor(command)
            .setStageStarted(StageStarted.newBuilder().setDevice("simulated").setHost(host))
            .build(),
        () -> {});
    due.add(new Due(System.nanoTime() + duration.apply(assignment).toNanos(), command));
  }

  private void end(StageCommand command) {
    if (held.containsKey(command.getAssignStage().getLeaseId())) {
      finish(command, script.run(command, command.getAssignStage()));
    }
  }

  /** The stage stays in the heartbeats until the broker has its report. */
  private void finish(StageCommand command, Ending ending) {
    if (killed || ending instanceof Ending.Hang) {
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
    outbox.add(report.build(), () -> held.remove(command.getAssignStage().getLeaseId()));
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

  private void beat(long progress) {
    var beat = WorkerHeartbeat.newBuilder();
    held.values()
        .forEach(
            command ->
                beat.addLeases(
                    HeldLease.newBuilder()
                        .setStageId(command.getStageId())
                        .setLeaseId(command.getAssignStage().getLeaseId())
                        .setGeneration(command.getAssignStage().getGeneration())
                        .setProgress(progress)));
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
    private final Map<String, String> labels = new HashMap<>();
    private String host = "host-1";
    private int slots = 1;
    private Duration heartbeat = Duration.ofMillis(200);
    private Script script = (command, assignment) -> new Ending.Success(Map.of(), Map.of());
    private Function<AssignStage, Duration> duration = assignment -> Duration.ZERO;
    private boolean twice;

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

    public Builder label(String name, String value) {
      labels.put(name, value);
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

    /** How long a stage takes before the script is asked for its end; no time by default. */
    public Builder duration(Function<AssignStage, Duration> duration) {
      this.duration = duration;
      return this;
    }

    /** Sends each report twice, as a worker does that did not hear the broker's answer. */
    public Builder saysEverythingTwice() {
      this.twice = true;
      return this;
    }

    public FakeWorker build() {
      return new FakeWorker(this);
    }
  }
}
