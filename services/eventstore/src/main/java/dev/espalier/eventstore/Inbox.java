package dev.espalier.eventstore;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Remembers which events a consumer has handled, in the transaction that handles them.
 *
 * <p>Rows lie in a partition per day of arrival, so that old ones go by dropping a table. They are
 * kept longer than the topics keep records.
 */
public final class Inbox {

  private static final int KEPT_DAYS = 10;
  private static final int DAYS_AHEAD = 3;
  private static final String PARTITION_PREFIX = "inbox_day_";

  /** Serialises makers of partitions. */
  private static final long LOCK = 0x657370616c696572L;

  private static final String FIND =
      """
      select payload_sha256
      from inbox
      where consumer = ? and event_id = ?
      """;

  private static final String RECORD =
      """
      insert into inbox (day, consumer, event_id, payload_sha256)
      values ((clock_timestamp() at time zone 'utc')::date, ?, ?, ?)
      on conflict do nothing
      """;

  private static final String FIND_MANY =
      """
      select wanted.id, i.payload_sha256
      from unnest(?::uuid[]) as wanted (id), lateral (
        select payload_sha256 from inbox where consumer = ? and event_id = wanted.id limit 1) i
      """;

  private static final String RECORD_MANY =
      """
      insert into inbox (day, consumer, event_id, payload_sha256)
      select (clock_timestamp() at time zone 'utc')::date, ?, id, digest
      from unnest(?::uuid[], ?::bytea[]) as arrived (id, digest)
      on conflict do nothing
      returning event_id
      """;

  private static final String PARTITIONS =
      """
      select inhrelid::regclass::text
      from pg_inherits
      where inhparent = 'inbox'::regclass
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
    if (seen(connection, consumer, id, digest)) {
      return false;
    }
    try (PreparedStatement insert = connection.prepareStatement(RECORD)) {
      insert.setString(1, consumer);
      insert.setObject(2, id);
      insert.setBytes(3, digest);
      // Nothing inserted: another transaction committed the same event since the look above.
      return insert.executeUpdate() == 1 || !seen(connection, consumer, id, digest);
    }
  }

  /** An event as it arrived. */
  public record Arrival(String eventId, byte[] payload) {}

  /**
   * Records many events for the consumer.
   *
   * @return for each, whether it is the first time; false of one that came earlier in the list
   * @throws PayloadMismatch if the same id came with other bytes
   */
  public boolean[] firstSeen(Connection connection, String consumer, List<Arrival> arrivals)
      throws SQLException {
    boolean[] first = new boolean[arrivals.size()];
    if (arrivals.isEmpty()) {
      return first;
    }
    // In one order everywhere, so that two consumers of the same events do not deadlock.
    SortedMap<UUID, byte[]> digests = new TreeMap<>();
    Set<UUID> repeated = new HashSet<>();
    for (int i = 0; i < first.length; i++) {
      UUID id = UUID.fromString(arrivals.get(i).eventId);
      byte[] digest = sha256(arrivals.get(i).payload);
      first[i] = check(consumer, id, digests.putIfAbsent(id, digest), digest);
    }
    try (PreparedStatement select = connection.prepareStatement(FIND_MANY)) {
      select.setArray(1, connection.createArrayOf("uuid", digests.keySet().toArray()));
      select.setString(2, consumer);
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          UUID id = row.getObject(1, UUID.class);
          check(consumer, id, row.getBytes(2), digests.get(id));
          repeated.add(id);
        }
      }
    }
    SortedMap<UUID, byte[]> unknown = new TreeMap<>(digests);
    unknown.keySet().removeAll(repeated);
    if (!unknown.isEmpty()) {
      Set<UUID> recorded = record(connection, consumer, unknown);
      for (var other : unknown.entrySet()) {
        // Not inserted: another transaction committed the same event since the look above.
        if (!recorded.contains(other.getKey())
            && seen(connection, consumer, other.getKey(), other.getValue())) {
          repeated.add(other.getKey());
        }
      }
    }
    for (int i = 0; i < first.length; i++) {
      first[i] &= !repeated.contains(UUID.fromString(arrivals.get(i).eventId));
    }
    return first;
  }

  /** Whether nothing is known of the id yet. */
  private static boolean check(String consumer, UUID id, byte[] known, byte[] digest) {
    if (known != null && !Arrays.equals(known, digest)) {
      throw new PayloadMismatch(consumer, id.toString());
    }
    return known == null;
  }

  private static Set<UUID> record(
      Connection connection, String consumer, SortedMap<UUID, byte[]> unknown) throws SQLException {
    try (PreparedStatement insert = connection.prepareStatement(RECORD_MANY)) {
      insert.setString(1, consumer);
      insert.setArray(2, connection.createArrayOf("uuid", unknown.keySet().toArray()));
      insert.setArray(
          3, connection.createArrayOf("bytea", unknown.values().toArray(byte[][]::new)));
      Set<UUID> recorded = new HashSet<>();
      try (ResultSet row = insert.executeQuery()) {
        while (row.next()) {
          recorded.add(row.getObject(1, UUID.class));
        }
      }
      return recorded;
    }
  }

  /** Makes partitions for the coming days and drops those past retention. Idempotent. */
  public void maintain(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("select pg_advisory_xact_lock(" + LOCK + ")");
      List<String> there = partitions(statement);
      LocalDate today = today(statement);
      for (int ahead = 0; ahead <= DAYS_AHEAD; ahead++) {
        LocalDate day = today.plusDays(ahead);
        if (!there.contains(partition(day)) && !defaultHolds(statement, day)) {
          statement.execute(
              "create table %s partition of inbox for values from ('%s') to ('%s')"
                  .formatted(partition(day), day, day.plusDays(1)));
        }
      }
      LocalDate oldest = today.minusDays(KEPT_DAYS);
      for (String partition : there) {
        if (partition.startsWith(PARTITION_PREFIX) && dayOf(partition).isBefore(oldest)) {
          statement.execute("drop table " + partition);
        }
      }
      statement.execute("delete from inbox_default where day < '" + oldest + "'");
    }
  }

  private static boolean seen(Connection connection, String consumer, UUID id, byte[] digest)
      throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(FIND)) {
      select.setString(1, consumer);
      select.setObject(2, id);
      try (ResultSet row = select.executeQuery()) {
        if (!row.next()) {
          return false;
        }
        if (!Arrays.equals(row.getBytes(1), digest)) {
          throw new PayloadMismatch(consumer, id.toString());
        }
        return true;
      }
    }
  }

  private static List<String> partitions(Statement statement) throws SQLException {
    List<String> names = new ArrayList<>();
    try (ResultSet row = statement.executeQuery(PARTITIONS)) {
      while (row.next()) {
        names.add(row.getString(1));
      }
    }
    return names;
  }

  private static LocalDate today(Statement statement) throws SQLException {
    try (ResultSet row =
        statement.executeQuery("select (clock_timestamp() at time zone 'utc')::date")) {
      row.next();
      return row.getObject(1, LocalDate.class);
    }
  }

  /** Rows that came before their day had a partition keep the day in the default one. */
  private static boolean defaultHolds(Statement statement, LocalDate day) throws SQLException {
    try (ResultSet row =
        statement.executeQuery("select 1 from inbox_default where day = '" + day + "' limit 1")) {
      return row.next();
    }
  }

  private static String partition(LocalDate day) {
    return PARTITION_PREFIX + day.toString().replace('-', '_');
  }

  private static LocalDate dayOf(String partition) {
    return LocalDate.parse(partition.substring(PARTITION_PREFIX.length()).replace('_', '-'));
  }

  private static byte[] sha256(byte[] payload) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(payload);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
