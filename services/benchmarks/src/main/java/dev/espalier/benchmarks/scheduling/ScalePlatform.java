package dev.espalier.benchmarks.scheduling;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.standalone.embedded.EmbeddedBroker;
import dev.espalier.standalone.embedded.EmbeddedPostgres;
import dev.espalier.testkit.ChildJvm;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;

/**
 * A real broker and a scheduler, each a process, and a real PostgreSQL that waits for its disk, all
 * in a temporary directory that goes when it is closed.
 */
final class ScalePlatform implements AutoCloseable {

  private static final Duration TELL = Duration.ofSeconds(10);
  private static final Duration START = Duration.ofSeconds(120);
  private static final List<String> JVM =
      List.of(
          "-Xmx1g",
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-Djava.net.preferIPv4Stack=true",
          "-Djava.util.logging.manager=org.jboss.logmanager.LogManager");

  private final Path directory;
  private final EmbeddedPostgres postgres;
  private final int port;
  private AgroalDataSource dataSource;
  private final Thread lastWords = new Thread(this::stop, "stop-bench");
  private ChildJvm broker;
  private ChildJvm scheduler;
  private boolean stopped;

  ScalePlatform() throws IOException, SQLException {
    directory = Files.createTempDirectory("espalier-bench-");
    postgres = new EmbeddedPostgres(directory.resolve("postgres"), 0);
    // PostgreSQL would outlive a measurement that is interrupted.
    Runtime.getRuntime().addShutdownHook(lastWords);
    postgres.start();
    port = freePort();
    try (var connection = postgres.dataSource().getConnection();
        var statement = connection.createStatement()) {
      // Tells when a lease was committed, not when it was written.
      statement.execute("alter system set track_commit_timestamp = on");
    }
    postgres.stop();
    postgres.start();
    dataSource = pool(postgres.jdbcUrl(), 8);
    Flyway.configure().dataSource(dataSource).load().migrate();
  }

  static AgroalDataSource pool(String jdbcUrl, int connections) throws SQLException {
    return AgroalDataSource.from(
        new AgroalDataSourceConfigurationSupplier()
            .connectionPoolConfiguration(
                pool ->
                    pool.maxSize(connections)
                        .acquisitionTimeout(Duration.ofSeconds(10))
                        .connectionFactoryConfiguration(factory -> factory.jdbcUrl(jdbcUrl))));
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
    TopicAdmin.createAll(kafka(), Duration.ofSeconds(60));
  }

  /** Needs the broker. */
  void startScheduler() {
    scheduler =
        ChildJvm.start(
                "scheduler",
                directory,
                JVM,
                BenchScheduler.class,
                bootstrapServers(),
                postgres.jdbcUrl())
            .awaitReady(START);
  }

  Optional<Duration> schedulerCpu() {
    return scheduler.cpu();
  }

  Optional<Duration> brokerCpu() {
    return broker.cpu();
  }

  void stopScheduler() {
    scheduler.kill();
    scheduler = null;
  }

  String bootstrapServers() {
    return "127.0.0.1:" + port;
  }

  KafkaSettings kafka() {
    return KafkaSettings.of(bootstrapServers());
  }

  AgroalDataSource dataSource() {
    return dataSource;
  }

  void run(String sql) throws SQLException {
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  long number(String sql) throws SQLException {
    return numbers(sql).get(0).longValue();
  }

  /** The first column of all rows. */
  List<Double> numbers(String sql) throws SQLException {
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      List<Double> numbers = new ArrayList<>();
      while (rows.next()) {
        numbers.add(rows.getDouble(1));
      }
      return numbers;
    }
  }

  /** Polls until the query answers at least so much; tells how far it is now and then. */
  void await(String sql, long atLeast, Duration limit) throws SQLException {
    long began = System.nanoTime();
    long deadline = began + limit.toNanos();
    long told = began;
    long now;
    while ((now = number(sql)) < atLeast) {
      if (System.nanoTime() - told > TELL.toNanos()) {
        told = System.nanoTime();
        System.err.printf("%d of %d after %d s%n", now, atLeast, (told - began) / 1_000_000_000);
      }
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException(
            "expected at least %d from \"%s\" within %s but found %d; the scheduler said: %s"
                .formatted(
                    atLeast,
                    sql,
                    limit,
                    number(sql),
                    scheduler == null ? "nothing" : String.join("\n", scheduler.tail())));
      }
      sleep(50);
    }
  }

  static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  @Override
  public void close() {
    stop();
    Runtime.getRuntime().removeShutdownHook(lastWords);
  }

  private synchronized void stop() {
    if (stopped) {
      return;
    }
    stopped = true;
    if (scheduler != null) {
      scheduler.kill();
    }
    if (broker != null) {
      broker.kill();
    }
    if (dataSource != null) {
      dataSource.close();
    }
    postgres.stop();
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      System.err.println("left behind: " + directory);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
