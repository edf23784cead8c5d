package dev.espalier.testkit;

import dev.espalier.standalone.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The real PostgreSQL that all tests of a JVM share, started by the first of them. Each test class
 * takes a database of its own from it.
 *
 * <pre>{@code @RegisterExtension static final Postgres POSTGRES = Postgres.shared();}</pre>
 */
public final class Postgres implements BeforeAllCallback {

  private static final Postgres SHARED = new Postgres();

  private final AtomicInteger databases = new AtomicInteger();
  private EmbeddedPostgres server;

  /** A database of the shared server. */
  public record Database(String name, String jdbcUrl, DataSource dataSource) {

    /** Runs an SQL script from the class path, for instance a migration. */
    public Database run(String resource) {
      try (InputStream script =
              Thread.currentThread().getContextClassLoader().getResourceAsStream(resource);
          Connection connection = dataSource.getConnection();
          Statement statement = connection.createStatement()) {
        if (script == null) {
          throw new IllegalArgumentException("no script " + resource + " on the class path");
        }
        statement.execute(new String(script.readAllBytes(), StandardCharsets.UTF_8));
        return this;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (SQLException e) {
        throw new IllegalStateException("script " + resource + " failed", e);
      }
    }
  }

  private Postgres() {}

  public static Postgres shared() {
    return SHARED;
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    start();
  }

  public synchronized void start() {
    if (server == null) {
      server = new EmbeddedPostgres(TemporaryFiles.directory("espalier-postgres-"), 0, false);
      Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop-test-postgres"));
    }
    server.start();
  }

  /** Takes the server away, as an outage does. */
  public synchronized void stop() {
    if (server != null) {
      server.stop();
    }
  }

  /** A new, empty database. */
  public synchronized Database newDatabase() {
    start();
    String name = "test_" + databases.incrementAndGet();
    try (Connection connection = server.dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("create database " + name);
    } catch (SQLException e) {
      throw new IllegalStateException("cannot create database " + name, e);
    }
    return new Database(name, server.jdbcUrl(name), server.dataSource(name));
  }
}
