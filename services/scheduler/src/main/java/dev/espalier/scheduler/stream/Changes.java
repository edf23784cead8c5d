package dev.espalier.scheduler.stream;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.EventStore.Addition;
import dev.espalier.eventstore.NewEvent;
import dev.espalier.eventstore.Transactions;
import dev.espalier.scheduler.projection.StatementWriter;
import dev.espalier.scheduler.projection.Statements.Statement;
import dev.espalier.scheduler.stream.Histories.History;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What one transaction does to any number of streams. Decisions are taken in memory, each upon what
 * those before it made of its stream; events, projections and commands to workers are written
 * together at the end. All of it is committed, or none.
 *
 * <p>Who decides about many streams says so first ({@code prepare} of the streams), sweeps before
 * trials before stages: locks are taken in one order everywhere, and what is read is read at once.
 */
public final class Changes {

  /** Work on streams. */
  @FunctionalInterface
  public interface Work<T> {
    T run(Changes changes) throws SQLException;
  }

  /** A stream's new events, and its state and version with them. */
  private static final class Pending {
    final long from;
    final List<NewEvent> events = new ArrayList<>();
    final Deque<Statement> statements = new ArrayDeque<>();

    Pending(long from) {
      this.from = from;
    }
  }

  private final Connection connection;
  private final EventStore events;
  private final Map<String, History<?>> known = new HashMap<>();
  private final Map<String, Pending> pending = new TreeMap<>();
  private final List<NewEvent> commands = new ArrayList<>();
  private final List<Runnable> afterCommit = new ArrayList<>();
  private boolean wakesAssignment;
  private Instant now;

  Changes(Connection connection, EventStore events) {
    this.connection = connection;
    this.events = events;
  }

  /** Runs the work in a transaction; what the streams are after it is remembered. */
  public static <T> T in(Transactions transactions, EventStore events, Work<T> work)
      throws SQLException {
    List<Runnable> afterCommit = new ArrayList<>();
    T result =
        transactions.call(
            connection -> {
              afterCommit.clear();
              Changes changes = new Changes(connection, events);
              T made = work.run(changes);
              changes.write();
              afterCommit.addAll(changes.afterCommit);
              return made;
            });
    afterCommit.forEach(Runnable::run);
    return result;
  }

  public Connection connection() {
    return connection;
  }

  /** The clock as it was after the last lock. */
  public Instant now() throws SQLException {
    if (now == null) {
      now = Clock.now(connection);
    }
    return now;
  }

  /** Sends a message to a worker, after all events of this transaction. */
  public void command(NewEvent message) {
    commands.add(message);
  }

  void wakeAssignment() {
    wakesAssignment = true;
  }

  /** A lock was taken: time has passed. */
  void locked() {
    now = null;
  }

  boolean knows(String stream) {
    return known.containsKey(stream);
  }

  History<?> known(String stream) {
    return known.get(stream);
  }

  void learn(String stream, History<?> history) {
    known.put(stream, history);
  }

  void append(
      String stream,
      History<?> before,
      List<NewEvent> added,
      Deque<Statement> statements,
      History<?> after) {
    Pending all = pending.computeIfAbsent(stream, name -> new Pending(before.version()));
    all.events.addAll(added);
    all.statements.addAll(statements);
    known.put(stream, after);
  }

  void afterCommit(Runnable action) {
    afterCommit.add(action);
  }

  void write() throws SQLException {
    events.append(
        connection,
        pending.entrySet().stream()
            .map(one -> new Addition(one.getKey(), one.getValue().from, one.getValue().events))
            .toList());
    new StatementWriter(connection)
        .write(pending.values().stream().map(one -> one.statements).toList());
    events.enqueue(connection, commands);
    if (wakesAssignment) {
      AssignmentSignal.raise(connection);
    }
    pending.clear();
    commands.clear();
    wakesAssignment = false;
  }
}
