package dev.espalier.scheduler.projection;

import com.google.protobuf.Timestamp;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What projections want written, in order: kept rather than sent, so that the statements of many
 * streams go to the database together ({@link StatementWriter}).
 */
public final class Statements {

  /**
   * A statement with its values.
   *
   * @param values in the order of the placeholders
   */
  public record Statement(String sql, Object[] values) {}

  private Deque<Statement> pending = new ArrayDeque<>();

  /** Instants become timestamps, of microseconds. */
  void add(String sql, Object... values) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] instanceof Timestamp timestamp) {
        values[i] = Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
      }
      if (values[i] instanceof Instant instant) {
        // As fine as the database keeps it.
        Instant rounded = instant.plusNanos(500).truncatedTo(ChronoUnit.MICROS);
        values[i] = OffsetDateTime.ofInstant(rounded, ZoneOffset.UTC);
      }
    }
    pending.add(new Statement(sql, values));
  }

  /** What was added since the last call, in order. */
  public Deque<Statement> take() {
    Deque<Statement> taken = pending;
    pending = new ArrayDeque<>();
    return taken;
  }
}
