package dev.espalier.standalone.supervisor;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The command lines of the embedded installation, in one place. */
final class Fleet {

  static final List<String> SERVICES =
      List.of("scheduler", "trainer", "redistributor", "evaluator");

  /** Preferred ports; any free one where they are taken. */
  static final int SCHEDULER_PORT = 7410;

  static final int BROKER_PORT = 7411;
  static final int POSTGRES_PORT = 7412;
  static final int FIRST_WORKER_PORT = 7420;

  /** A trainer needs about this much with the demo's models. */
  private static final long TRAINER_BYTES = 1L << 30;

  private static final int MOST_TRAINERS = 8;

  /** The first start unpacks the server's binaries, which 96 MB could not hold. */
  private static final String POSTGRES_HEAP = "192m";

  /**
   * glibc gives freed tensors back to the kernel and faults them in again at the next step; keeping
   * them gave +2 to +19 % in training.
   */
  private static final Map<String, String> TENSOR_ENVIRONMENT =
      Map.of(
          "GLIBC_TUNABLES",
          "glibc.malloc.arena_max=1:glibc.malloc.trim_threshold=8589934592"
              + ":glibc.malloc.mmap_threshold=8589934592:glibc.malloc.top_pad=134217728");

  /** Small heaps, and the first compiler only: these processes wait more than they compute. */
  private static final List<String> LIGHT =
      List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto");

  private final Installation installation;
  private final DataDirectory directory;
  private final Ports ports;

  Fleet(Installation installation, DataDirectory directory, Ports ports) {
    this.installation = installation;
    this.directory = directory;
    this.ports = ports;
  }

  /**
   * One training thread for each core: two trainings beside each other get 1.9 times the work of
   * one done, two threads in one training 1.6 times.
   */
  static int trainers(int cores, long memoryBytes) {
    long byMemory = memoryBytes / (2 * TRAINER_BYTES);
    return (int) Math.max(1, Math.min(Math.min(cores, MOST_TRAINERS), byMemory));
  }

  ChildSpec broker() {
    return embedded(
        "broker", ports.take(BROKER_PORT), "384m", "EmbeddedBroker", directory.broker());
  }

  ChildSpec postgres() {
    return embedded(
        "postgres",
        ports.take(POSTGRES_PORT),
        POSTGRES_HEAP,
        "EmbeddedPostgres",
        directory.postgres());
  }

  static String kafka(ChildSpec broker) {
    return "127.0.0.1:" + broker.port();
  }

  static String jdbc(ChildSpec postgres) {
    return "jdbc:postgresql://127.0.0.1:" + postgres.port() + "/espalier?user=postgres";
  }

  private ChildSpec embedded(String name, int port, String heap, String main, Path data) {
    List<String> command = java(heap, Duration.ofSeconds(10));
    command.addAll(LIGHT);
    command.add("-cp");
    command.add(installation.standaloneJar().toString());
    command.add("dev.espalier.standalone.embedded." + main);
    command.addAll(List.of("--data-dir", data.toString(), "--port", Integer.toString(port)));
    return new ChildSpec(
        name,
        port,
        command,
        Map.of(),
        directory.log(name),
        new Readiness.Line(directory.log(name)),
        Duration.ofSeconds(15));
  }

  /**
   * @param jdbc address of the database, user included
   */
  ChildSpec scheduler(String kafka, String jdbc) {
    return service(
        "scheduler",
        "scheduler",
        ports.take(SCHEDULER_PORT),
        "384m",
        LIGHT,
        Map.of(),
        Duration.ofSeconds(10),
        List.of(
            "-Dkafka.bootstrap.servers=" + kafka,
            "-Dquarkus.datasource.jdbc.url=" + jdbc,
            "-Dquarkus.datasource.username=postgres",
            "-Dquarkus.datasource.password=postgres",
            "-Despalier.store=" + directory.store(),
            "-Despalier.lease.duration=12s",
            "-Despalier.heartbeat.interval=3s"));
  }

  /**
   * One evaluator for eight trainers: speed is measured by one at a time, but accuracy beside other
   * work.
   */
  static int evaluators(int trainers) {
    return 1 + (trainers - 1) / 8;
  }

  /** Trainers, the redistributor and evaluators. */
  List<ChildSpec> workers(String kafka, int trainers) {
    List<ChildSpec> workers = new ArrayList<>();
    int port = FIRST_WORKER_PORT;
    for (int number = 1; number <= trainers; number++) {
      workers.add(
          worker(
              "trainer-" + number,
              "trainer",
              port++,
              "768m",
              List.of(),
              TENSOR_ENVIRONMENT,
              kafka));
    }
    workers.add(worker("redistributor", "redistributor", port++, "192m", LIGHT, Map.of(), kafka));
    int evaluators = evaluators(trainers);
    for (int number = 1; number <= evaluators; number++) {
      workers.add(
          worker(
              evaluators == 1 ? "evaluator" : "evaluator-" + number,
              "evaluator",
              port++,
              "768m",
              List.of(),
              TENSOR_ENVIRONMENT,
              kafka));
    }
    return workers;
  }

  private ChildSpec worker(
      String name,
      String service,
      int port,
      String heap,
      List<String> jvm,
      Map<String, String> environment,
      String kafka) {
    return service(
        name,
        service,
        ports.take(port),
        heap,
        jvm,
        environment,
        Duration.ofSeconds(25),
        List.of(
            "-Dkafka.bootstrap.servers=" + kafka,
            "-Despalier.store=" + directory.store(),
            "-Despalier.worker.slots=1",
            "-Despalier.worker.threads=1",
            "-Despalier.heartbeat.interval=3s",
            "-Dai.djl.offline=true"));
  }

  private ChildSpec service(
      String name,
      String service,
      int port,
      String heap,
      List<String> jvm,
      Map<String, String> environment,
      Duration stopWithin,
      List<String> settings) {
    List<String> command = java(heap, Duration.ofSeconds(3));
    command.addAll(jvm);
    command.add("-Dquarkus.http.host=127.0.0.1");
    command.add("-Dquarkus.http.port=" + port);
    command.addAll(settings);
    command.add("-jar");
    command.add(installation.service(service).toString());
    return new ChildSpec(
        name,
        port,
        command,
        environment,
        directory.log(name),
        new Readiness.Health(port),
        stopWithin);
  }

  private List<String> java(String heap, Duration grace) {
    List<String> command = new ArrayList<>();
    command.add(Installation.java().toString());
    command.add("-Xmx" + heap);
    command.add("-javaagent:" + installation.leashJar() + "=" + grace.toMillis());
    // A crash of native code is told beside the logs, not in whatever directory this was started
    // in.
    command.add("-XX:ErrorFile=" + directory.root().resolve("logs/crash-%p.log"));
    command.add("-Djava.net.preferIPv4Stack=true");
    return command;
  }
}
