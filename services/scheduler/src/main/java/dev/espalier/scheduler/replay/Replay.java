package dev.espalier.scheduler.replay;

import dev.espalier.scheduler.replay.ProjectedTables.Table;
import dev.espalier.scheduler.replay.ReplayOutcome.TableOutcome;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.postgresql.PGConnection;

/**
 * Folds the whole event table again, with the code that decides and projects, and holds the tables
 * against what comes out; or writes them anew.
 *
 * <p>Comparing reads one snapshot and changes nothing, so it may run beside the schedulers.
 * Rebuilding is one transaction: the tables' locks keep deciders waiting until it is over, and a
 * rebuild that dies leaves everything as it was. What no event says stays as it is ({@link
 * ProjectedTables}).
 */
public final class Replay {

  /** One replay at a time, over all replicas. */
  private static final long LOCK = 0x72657072L;

  private static final int SHARDS = 2;
  private static final int PIPE_BYTES = 1 << 20;

  private final DataSource dataSource;

  public Replay(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  /** Empty if another replay is under way. */
  public Optional<ReplayOutcome> compare() throws SQLException {
    return replay(false);
  }

  /** Empty if another replay is under way. */
  public Optional<ReplayOutcome> rebuild() throws SQLException {
    return replay(true);
  }

  private Optional<ReplayOutcome> replay(boolean rebuild) throws SQLException {
    long began = System.nanoTime();
    ExecutorService threads = Executors.newFixedThreadPool(SHARDS);
    List<Connection> sessions = new ArrayList<>();
    try (Connection coordinator = dataSource.getConnection()) {
      boolean autoCommit = coordinator.getAutoCommit();
      coordinator.setAutoCommit(false);
      try {
        if (!text(coordinator, "select pg_try_advisory_xact_lock(" + LOCK + ")").equals("t")) {
          return Optional.empty();
        }
        String schema = text(coordinator, "select current_schema()");
        if (rebuild) {
          // Readers go on; whoever writes waits, and with it whoever would append an event.
          execute(coordinator, "lock table " + names() + " in exclusive mode");
        }
        String snapshot = snapshot(coordinator);
        List<Shard> shards = new ArrayList<>();
        for (int i = 0; i < SHARDS; i++) {
          sessions.add(session(snapshot));
          shards.add(new Shard(sessions.get(i), schema, i, SHARDS));
        }
        List<List<TableOutcome>> compared = all(threads, shards, shard -> foldAndCompare(shard));
        if (rebuild) {
          // Not truncate: that would wait for everybody who reads, our own sessions among them.
          for (Table table : ProjectedTables.ALL) {
            execute(coordinator, "delete from " + table.name());
          }
          for (Shard shard : shards) {
            for (Table table : ProjectedTables.ALL) {
              copy(threads, shard, table, coordinator);
            }
          }
        }
        coordinator.commit();
        return Optional.of(outcome(shards, compared, rebuild, began));
      } finally {
        coordinator.rollback();
        coordinator.setAutoCommit(autoCommit);
      }
    } finally {
      threads.shutdownNow();
      for (Connection session : sessions) {
        end(session);
      }
    }
  }

  private static List<TableOutcome> foldAndCompare(Shard shard) throws SQLException {
    shard.fold();
    List<TableOutcome> outcomes = new ArrayList<>();
    for (Table table : ProjectedTables.ALL) {
      outcomes.add(shard.compare(table));
    }
    return outcomes;
  }

  private static ReplayOutcome outcome(
      List<Shard> shards, List<List<TableOutcome>> compared, boolean rebuilt, long began) {
    List<TableOutcome> tables = new ArrayList<>(compared.get(0));
    for (List<TableOutcome> more : compared.subList(1, compared.size())) {
      for (int i = 0; i < tables.size(); i++) {
        tables.set(i, tables.get(i).plus(more.get(i)));
      }
    }
    return new ReplayOutcome(
        shards.stream().mapToLong(Shard::events).sum(),
        shards.stream().mapToLong(Shard::streams).sum(),
        tables,
        tables.stream().allMatch(table -> table.missing() == 0 && table.unexpected() == 0),
        rebuilt,
        (System.nanoTime() - began) / 1e9);
  }

  private static String names() {
    return ProjectedTables.ALL.stream().map(Table::name).collect(Collectors.joining(", "));
  }

  /** What all sessions see; taken when the locks are held. */
  private String snapshot(Connection coordinator) throws SQLException {
    return text(coordinator, "select pg_export_snapshot()");
  }

  private Connection session(String snapshot) throws SQLException {
    Connection session = dataSource.getConnection();
    session.setAutoCommit(false);
    execute(session, "set transaction isolation level repeatable read");
    execute(session, "set transaction snapshot '" + snapshot + "'");
    return session;
  }

  private static void end(Connection session) throws SQLException {
    try (session) {
      session.rollback();
      session.setAutoCommit(true);
    }
  }

  private static void copy(
      ExecutorService threads, Shard shard, Table table, Connection coordinator)
      throws SQLException {
    try (PipedInputStream in = new PipedInputStream(PIPE_BYTES);
        PipedOutputStream out = new PipedOutputStream(in)) {
      Future<?> writing =
          threads.submit(
              () -> {
                try (out) {
                  shard.copyOut(table, out);
                }
                return null;
              });
      coordinator
          .unwrap(PGConnection.class)
          .getCopyAPI()
          .copyIn("copy %s from stdin (format binary)".formatted(table.name()), in);
      result(writing);
    } catch (IOException e) {
      throw new SQLException("expected the rows of " + table.name() + " to pass through a pipe", e);
    }
  }

  private interface Work<T> {
    T run(Shard shard) throws SQLException;
  }

  private static <T> List<T> all(ExecutorService threads, List<Shard> shards, Work<T> work)
      throws SQLException {
    List<Callable<T>> calls = new ArrayList<>();
    shards.forEach(shard -> calls.add(() -> work.run(shard)));
    List<Future<T>> futures = calls.stream().map(threads::submit).toList();
    List<T> results = new ArrayList<>();
    for (Future<T> future : futures) {
      results.add(result(future));
    }
    return results;
  }

  private static <T> T result(Future<T> future) throws SQLException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof SQLException failed) {
        throw failed;
      }
      if (e.getCause() instanceof RuntimeException failed) {
        throw failed;
      }
      throw new IllegalStateException("a replay failed", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SQLException("interrupted during a replay", e);
    }
  }

  private static String text(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
