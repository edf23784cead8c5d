package dev.espalier.standalone.embedded;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres.Builder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A real PostgreSQL server on loopback, run by this process.
 *
 * <p>The data directory outlives stops and kills; a server that a killed process left behind is
 * stopped before the next start, so that two never work on one directory. Run as a program it is a
 * child process: it says {@code ready} on its standard output, and stops its server on SIGTERM or
 * when its parent is gone.
 */
public final class EmbeddedPostgres implements AutoCloseable {

  /** The database that the services use, made at the first start. */
  public static final String DATABASE = "espalier";

  public static final String USER = "postgres";

  /** Longest wait for a predecessor on its way out. */
  private static final Duration TAKE_OVER_LIMIT = Duration.ofSeconds(30);

  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(15);

  private final Path dataDir;
  private final int port;
  private final boolean durable;
  private DirectoryLock lock;
  private io.zonky.test.db.postgres.embedded.EmbeddedPostgres server;

  /**
   * @param dataDir kept between starts
   * @param port of the listener on loopback; 0 takes a free one
   */
  public EmbeddedPostgres(Path dataDir, int port) {
    this(dataDir, port, true);
  }

  /**
   * @param durable whether commits wait for the disk; only tests may do without
   */
  public EmbeddedPostgres(Path dataDir, int port, boolean durable) {
    this.dataDir = dataDir.toAbsolutePath();
    this.port = port == 0 ? FreePort.find() : port;
    this.durable = durable;
  }

  /** Returns when the database takes connections. */
  public synchronized void start() {
    if (server != null) {
      return;
    }
    lock = DirectoryLock.acquire(dataDir, TAKE_OVER_LIMIT);
    try {
      stopLeftover();
      server = builder().start();
      requireOurs();
      createDatabase();
    } catch (IOException | SQLException | RuntimeException e) {
      stop();
      throw new IllegalStateException(
          "expected PostgreSQL at 127.0.0.1:" + port + " over " + dataDir + " but: " + e, e);
    }
  }

  public String jdbcUrl() {
    return jdbcUrl(DATABASE);
  }

  public String jdbcUrl(String database) {
    return "jdbc:postgresql://127.0.0.1:"
        + port
        + "/"
        + database
        + "?user="
        + USER
        + "&reWriteBatchedInserts=true";
  }

  /** Opens a connection for each call; services bring a pool of their own. */
  public DataSource dataSource() {
    return dataSource(DATABASE);
  }

  public DataSource dataSource(String database) {
    var source = new PGSimpleDataSource();
    source.setUrl(jdbcUrl(database));
    return source;
  }

  public int port() {
    return port;
  }

  /** Ends sessions and stops the server. */
  public synchronized void stop() {
    try {
      if (server != null) {
        server.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("expected PostgreSQL at port " + port + " to stop", e);
    } finally {
      server = null;
      if (lock != null) {
        lock.close();
        lock = null;
      }
    }
  }

  @Override
  public void close() {
    stop();
  }

  private Builder builder() {
    return io.zonky.test.db.postgres.embedded.EmbeddedPostgres.builder()
        .setDataDirectory(dataDir.resolve("cluster"))
        .setCleanDataDirectory(false)
        .setRegisterShutdownHook(false)
        .setPort(port)
        .setPGStartupWait(START_LIMIT)
        .setServerConfig("listen_addresses", "127.0.0.1")
        .setServerConfig("unix_socket_directories", "")
        .setServerConfig("fsync", durable ? "on" : "off")
        // The builder's own default is off, which forgets the last commits of a killed server.
        .setServerConfig("synchronous_commit", durable ? "on" : "off")
        .setServerConfig("max_connections", "200")
        .setServerConfig("shared_buffers", "64MB");
  }

  /**
   * Whoever answers at the port counts as started, also another server that had taken it before
   * ours could; its data must not be taken for ours.
   */
  private void requireOurs() throws SQLException, IOException {
    Path expected = dataDir.resolve("cluster").toRealPath();
    try (Connection connection = dataSource("postgres").getConnection();
        Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery("show data_directory")) {
      found.next();
      Path served = Path.of(found.getString(1)).toRealPath();
      if (!served.equals(expected)) {
        throw new IOException("the server at that port works over " + served);
      }
    }
  }

  private void createDatabase() throws SQLException {
    try (Connection connection = dataSource("postgres").getConnection();
        Statement statement = connection.createStatement()) {
      boolean there;
      try (ResultSet found =
          statement.executeQuery("select 1 from pg_database where datname = '" + DATABASE + "'")) {
        there = found.next();
      }
      if (!there) {
        statement.execute("create database " + DATABASE);
      }
    }
  }

  /**
   * A process that was killed leaves its server running, or leaves only {@code postmaster.pid},
   * whose number may by now belong to another program.
   */
  private void stopLeftover() throws IOException {
    Path pidFile = dataDir.resolve("cluster").resolve("postmaster.pid");
    if (!Files.exists(pidFile)) {
      return;
    }
    List<String> lines = Files.readAllLines(pidFile);
    Optional<ProcessHandle> leftover =
        lines.isEmpty()
            ? Optional.empty()
            : ProcessHandle.of(Long.parseLong(lines.get(0).trim())).filter(this::isOurServer);
    if (leftover.isPresent()) {
      // SIGTERM would wait for clients to leave; SIGINT ends their sessions.
      signal(leftover.get(), "INT");
      if (!ended(leftover.get(), STOP_LIMIT)) {
        signal(leftover.get(), "QUIT");
        ended(leftover.get(), STOP_LIMIT);
      }
    }
    Files.deleteIfExists(pidFile);
  }

  private boolean isOurServer(ProcessHandle process) {
    try {
      String command = Files.readString(Path.of("/proc/" + process.pid() + "/cmdline"));
      return command.contains("postgres") && command.contains(dataDir.toString());
    } catch (IOException e) {
      // No /proc here: go by what the JDK can say.
      return process.info().command().map(command -> command.endsWith("postgres")).orElse(false);
    }
  }

  private static void signal(ProcessHandle process, String signal) throws IOException {
    try {
      new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while stopping PostgreSQL " + process.pid(), e);
    }
  }

  /** A dead process that nobody has collected yet counts as ended: it has no command line. */
  private boolean ended(ProcessHandle process, Duration limit) throws IOException {
    Instant deadline = Instant.now().plus(limit);
    while (isOurServer(process) && Instant.now().isBefore(deadline)) {
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while stopping PostgreSQL " + process.pid(), e);
      }
    }
    return !isOurServer(process);
  }

  /** {@code --data-dir DIR [--port N]}. */
  public static void main(String[] args) throws InterruptedException {
    ChildProcess.Options options = ChildProcess.options(args);
    var postgres = new EmbeddedPostgres(options.dataDir(), options.port());
    ChildProcess.run(postgres::start, postgres::stop, () -> "jdbc.url=" + postgres.jdbcUrl());
  }
}
