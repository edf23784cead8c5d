package dev.espalier.standalone.embedded;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;

/**
 * One real Kafka node, broker and controller in one, in this process and on loopback only.
 *
 * <p>The data directory outlives stops and kills. A stopped instance may be started again and comes
 * back on the same port. Run as a program it is a child process: it says {@code ready} on its
 * standard output and stops on SIGTERM or when its parent is gone.
 */
public final class EmbeddedBroker implements AutoCloseable {

  private static final int NODE = 1;

  /** Longest wait for a predecessor on its way out. */
  private static final Duration TAKE_OVER_LIMIT = Duration.ofSeconds(30);

  private final Path dataDir;
  private final int port;
  private final int controllerPort;
  private final Map<String, String> overrides;
  private DirectoryLock lock;
  private KafkaRaftServer server;

  /**
   * @param dataDir kept between starts
   * @param port of the listener on loopback; 0 takes a free one
   */
  public EmbeddedBroker(Path dataDir, int port) {
    this(dataDir, port, Map.of());
  }

  /**
   * @param overrides broker settings that win over ours, for instance SASL and TLS; {@code {port}}
   *     and {@code {controller}} in a value stand for the two ports
   */
  public EmbeddedBroker(Path dataDir, int port, Map<String, String> overrides) {
    this.overrides = Map.copyOf(overrides);
    this.dataDir = dataDir.toAbsolutePath();
    this.port = port == 0 ? FreePort.find() : port;
    this.controllerPort = FreePort.findOtherThan(this.port);
  }

  /** Returns when the broker takes requests. */
  public synchronized void start() {
    if (server != null) {
      return;
    }
    DirectoryLock taken = DirectoryLock.acquire(dataDir, TAKE_OVER_LIMIT);
    try {
      Properties settings = settings();
      format(settings);
      server = started(new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM));
      lock = taken;
    } finally {
      if (server == null) {
        taken.close();
      }
    }
  }

  private KafkaRaftServer started(KafkaRaftServer starting) {
    try {
      starting.startup();
      return starting;
    } catch (RuntimeException e) {
      starting.shutdown();
      throw new IllegalStateException(
          "expected a broker at " + bootstrapServers() + " over " + dataDir + " but: " + e, e);
    }
  }

  public String bootstrapServers() {
    return "127.0.0.1:" + port;
  }

  public int port() {
    return port;
  }

  /** Returns when all is on disk and the ports are free. */
  public synchronized void stop() {
    if (server != null) {
      server.shutdown();
      server.awaitShutdown();
      server = null;
      lock.close();
    }
  }

  @Override
  public void close() {
    stop();
  }

  private Properties settings() {
    Properties settings = new Properties();
    settings.put("process.roles", "broker,controller");
    settings.put("node.id", Integer.toString(NODE));
    // Static voters, because the controller's port may change from start to start.
    settings.put("controller.quorum.voters", NODE + "@127.0.0.1:" + controllerPort);
    settings.put(
        "listeners", "PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controllerPort);
    settings.put("advertised.listeners", "PLAINTEXT://127.0.0.1:" + port);
    settings.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    settings.put("controller.listener.names", "CONTROLLER");
    settings.put("inter.broker.listener.name", "PLAINTEXT");
    settings.put("log.dirs", dataDir.resolve("log").toString());
    settings.put("auto.create.topics.enable", "false");
    settings.put("delete.topic.enable", "true");

    // One node holds the only copy of everything.
    settings.put("default.replication.factor", "1");
    settings.put("min.insync.replicas", "1");
    settings.put("offsets.topic.replication.factor", "1");
    settings.put("offsets.topic.num.partitions", "4");
    settings.put("transaction.state.log.replication.factor", "1");
    settings.put("transaction.state.log.min.isr", "1");
    settings.put("transaction.state.log.num.partitions", "4");
    settings.put("share.coordinator.state.topic.replication.factor", "1");
    settings.put("share.coordinator.state.topic.min.isr", "1");

    // A killed node registers again once its old session is over: 13 s by default, 7 s like this.
    settings.put("broker.session.timeout.ms", "3000");
    settings.put("broker.heartbeat.interval.ms", "1000");
    settings.put("group.initial.rebalance.delay.ms", "0");

    // Small for a laptop: the cleaner alone would take 128 MB of heap.
    settings.put("log.cleaner.dedupe.buffer.size", "4194304");
    settings.put("num.network.threads", "2");
    settings.put("num.io.threads", "4");
    settings.put("background.threads", "2");
    settings.put("num.recovery.threads.per.data.dir", "2");
    settings.put("log.index.size.max.bytes", "1048576");
    overrides.forEach(
        (name, value) ->
            settings.put(
                name,
                value
                    .replace("{port}", Integer.toString(port))
                    .replace("{controller}", Integer.toString(controllerPort))));
    return settings;
  }

  /** Gives an empty data directory its cluster id; one that has it stays as it is. */
  private void format(Properties settings) {
    try {
      Files.createDirectories(dataDir);
      if (Files.exists(dataDir.resolve("log").resolve("meta.properties"))) {
        return;
      }
      Path file = dataDir.resolve("server.properties");
      try (OutputStream out = Files.newOutputStream(file)) {
        settings.store(out, null);
      }
      var said = new ByteArrayOutputStream();
      String[] command = {
        "format", "--cluster-id", Uuid.randomUuid().toString(), "--config", file.toString()
      };
      int status =
          StorageTool.execute(command, new PrintStream(said, true, StandardCharsets.UTF_8));
      if (status != 0) {
        throw new IllegalStateException(
            "expected to format "
                + dataDir
                + " but got status "
                + status
                + ": "
                + said.toString(StandardCharsets.UTF_8));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("expected a writable directory " + dataDir, e);
    }
  }

  /** {@code --data-dir DIR [--port N]}. */
  public static void main(String[] args) throws InterruptedException {
    ChildProcess.Options options = ChildProcess.options(args);
    var broker = new EmbeddedBroker(options.dataDir(), options.port());
    ChildProcess.run(
        broker::start, broker::stop, () -> "bootstrap.servers=" + broker.bootstrapServers());
  }
}
