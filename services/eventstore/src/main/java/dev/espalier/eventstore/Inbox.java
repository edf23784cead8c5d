package dev.espalier.eventstore;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Remembers which events a consumer has handled, in the transaction that handles them. */
public final class Inbox {

  /** A day longer than the topics keep their records. */
  static final int DAYS_KEPT = 8;

  private static final int DAYS_AHEAD = 2;

  /** One replica at a time changes the partitions. */
  private static final long MAINTENANCE_LOCK = 0x65737061_696e6278L;

  private static final String FIND =
      "select payload_sha256 from inbox where consumer = ? and event_id = ?";

  private static final String RECORD =
      """
      insert into inbox (day, consumer, event_id, payload_sha256)
      values (current_date, ?, ?, ?)
      on conflict do nothing
      """;

  private static final String PARTITIONS =
      """
      select c.relname
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'inbox'::regclass and c.relname ~ '^inbox_[0-9]{8}$'
      """;

  /**
   * Records the event for the consumer.
   *
   * @return false if it was recorded before: change nothing
   * @throws PayloadMismatch if the same id came with other bytes
   */
  public boolean firstSeen(Connection connection, String consumer, String eventId, byte[] payload)
      throws SQLException {
    UUID id = UUID.fromString(eventId);
    byte[] digest = sha256(payload);
    // An event can come again on another day, so the key alone does not tell.
    if (isRecorded(connection, consumer, id, digest)) {
      return false;
    }
    try (PreparedStatement record = connection.prepareStatement(RECORD)) {
      record.setString(1, consumer);
      record.setObject(2, id);
      record.setBytes(3, digest);
      if (record.executeUpdate() == 1) {
        return true;
      }
    }
    // Another transaction recorded it in between and has committed.
    isRecorded(connection, consumer, id, digest);
    return false;
  }

  private static boolean isRecorded(Connection connection, String consumer, UUID id, byte[] digest)
      throws SQLException {
    try (PreparedStatement find = connection.prepareStatement(FIND)) {
      find.setString(1, consumer);
      find.setObject(2, id);
      try (ResultSet row = find.executeQuery()) {
        if (!row.next()) {
          return false;
        }
        if (!MessageDigest.isEqual(row.getBytes(1), digest)) {
          throw new PayloadMismatch(consumer, id.toString());
        }
        return true;
      }
    }
  }

  /** Makes partitions for the coming days and drops those past retention. Idempotent. */
  public void maintain(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("select pg_advisory_xact_lock(" + MAINTENANCE_LOCK + ")");
      LocalDate today = today(statement);
      List<String> present = partitions(statement);
      for (int ahead = 0; ahead <= DAYS_AHEAD; ahead++) {
        LocalDate day = today.plusDays(ahead);
        if (!present.contains(name(day)) && !defaultHolds(statement, day)) {
          statement.execute(
              "create table %s partition of inbox for values from ('%s') to ('%s')"
                  .formatted(name(day), day, day.plusDays(1)));
        }
      }
      LocalDate oldest = today.minusDays(DAYS_KEPT);
      for (String partition : present) {
        if (partition.compareTo(name(oldest)) < 0) {
          statement.execute("drop table " + partition);
        }
      }
      statement.execute("delete from inbox_default where day < '%s'".formatted(oldest));
    }
  }

  private static LocalDate today(Statement statement) throws SQLException {
    try (ResultSet row = statement.executeQuery("select current_date")) {
      row.next();
      return row.getObject(1, LocalDate.class);
    }
  }

  private static List<String> partitions(Statement statement) throws SQLException {
    try (ResultSet rows = statement.executeQuery(PARTITIONS)) {
      List<String> names = new ArrayList<>();
      while (rows.next()) {
        names.add(rows.getString(1));
      }
      return names;
    }
  }

  /** A day whose rows already lie in the default partition cannot get one of its own any more. */
  private static boolean defaultHolds(Statement statement, LocalDate day) throws SQLException {
    try (ResultSet row =
        statement.executeQuery(
            "select exists (select 1 from inbox_default where day = '%s')".formatted(day))) {
      row.next();
      return row.getBoolean(1);
    }
  }

  private static String name(LocalDate day) {
    return "inbox_" + DateTimeFormatter.BASIC_ISO_DATE.format(day);
  }

  private static byte[] sha256(byte[] payload) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(payload);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
