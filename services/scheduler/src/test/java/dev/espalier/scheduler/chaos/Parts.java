package dev.espalier.scheduler.chaos;

import dev.espalier.schemas.stage.v1.AssignStage;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.standalone.embedded.EmbeddedBroker;
import dev.espalier.testkit.ChildJvm;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What may die: a broker and two schedulers, each a process, and simulated workers that speak the
 * protocol over that broker. Whatever is killed is started again, as a supervisor would.
 */
final class Parts implements AutoCloseable {

  static final int SCHEDULERS = 2;
  static final int SLOTS = 2;

  private static final Duration HEARTBEAT = Duration.ofMillis(500);

  /** Long enough that a busy machine loses nobody who is alive. */
  static final Duration LEASE = Duration.ofSeconds(8);

  /** Small, and quick to start. */
  private static final List<String> JVM =
      List.of(
          "-Xmx512m",
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-Djava.net.preferIPv4Stack=true",
          "-Djava.util.logging.manager=org.jboss.logmanager.LogManager");

  private static final Duration START = Duration.ofSeconds(60);
  private static final List<StageKind> KINDS =
      List.of(
          StageKind.STAGE_KIND_SEARCH,
          StageKind.STAGE_KIND_PRUNE,
          StageKind.STAGE_KIND_FINETUNE,
          StageKind.STAGE_KIND_EVALUATE);

  private final Path directory;
  private final String label;
  private final String jdbcUrl;
  private final int port = freePort();
  private final List<ChildJvm> schedulers = new ArrayList<>();
  private final List<FakeWorker> workers = new ArrayList<>();
  private final List<FakeWorker> all = new ArrayList<>();
  private ChildJvm broker;

  Parts(Path directory, String label, String jdbcUrl) {
    this.directory = directory;
    this.label = label;
    this.jdbcUrl = jdbcUrl;
  }

  void startBroker() {
    broker =
        ChildJvm.start(
                "broker",
                directory,
                JVM,
                EmbeddedBroker.class,
                "--data-dir",
                directory.resolve("kafka").toString(),
                "--port",
                Integer.toString(port))
            .awaitReady(START);
  }

  String bootstrapServers() {
    return "127.0.0.1:" + port;
  }

  void startSchedulersAndWorkers(int howMany) {
    for (int i = 0; i < SCHEDULERS; i++) {
      schedulers.add(scheduler(i));
    }
    schedulers.forEach(scheduler -> scheduler.awaitReady(START));
    for (int i = 0; i < howMany; i++) {
      workers.add(worker(i));
    }
  }

  private ChildJvm scheduler(int number) {
    return ChildJvm.start(
        "scheduler-" + number,
        directory,
        JVM,
        ChaosScheduler.class,
        bootstrapServers(),
        jdbcUrl,
        LEASE.toString());
  }

  private FakeWorker worker(int number) {
    FakeWorker.Builder worker =
        FakeWorker.on(bootstrapServers())
            .slots(SLOTS)
            .heartbeat(HEARTBEAT)
            .host("host-" + number)
            .duration(Parts::duration)
            .script((command, assignment) -> result(command.getStageId(), assignment));
    KINDS.forEach(kind -> worker.can(kind, label, 1));
    FakeWorker started = (number == 0 ? worker.saysEverythingTwice() : worker).build().start();
    all.add(started);
    return started;
  }

  /** From 20 to 220 ms, the same at each attempt of a stage's generation. */
  private static Duration duration(AssignStage assignment) {
    return Duration.ofMillis(20 + Math.floorMod(assignment.getLeaseId().hashCode(), 200));
  }

  /** Another output for each attempt, so that it can be told whose was accepted. */
  private static Ending result(String stageId, AssignStage assignment) {
    return new Ending.Success(
        Map.of("result", output(stageId, assignment.getLeaseId())), Map.of("top1_accuracy", 0.75));
  }

  static String output(String stageId, String leaseId) {
    return stageId + " by " + leaseId;
  }

  List<FakeWorker> workers() {
    return workers;
  }

  /** How often a machine too busy, or a broker away too long, made a worker silent for a lease. */
  int silences() {
    return all.stream().mapToInt(worker -> worker.silences(LEASE)).sum();
  }

  void killBroker() {
    broker.kill();
    startBroker();
  }

  void killScheduler(int number) {
    schedulers.get(number).kill();
    schedulers.set(number, scheduler(number));
  }

  void killWorker(int number) {
    workers.get(number).kill();
    workers.set(number, worker(number));
  }

  /** What the processes said last, for the message of a failed test. */
  List<String> tails() {
    List<String> tails = new ArrayList<>(broker.tail());
    schedulers.forEach(scheduler -> tails.addAll(scheduler.tail()));
    return tails;
  }

  @Override
  public void close() {
    workers.forEach(FakeWorker::kill);
    schedulers.forEach(ChildJvm::kill);
    if (broker != null) {
      broker.kill();
    }
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new IllegalStateException("no free port", e);
    }
  }
}
