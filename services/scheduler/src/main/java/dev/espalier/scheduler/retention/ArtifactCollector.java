package dev.espalier.scheduler.retention;

import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.artifacts.store.StoredArtifact;
import dev.espalier.eventstore.Transactions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.sql.DataSource;

/**
 * Removes files of the artifact store that nothing refers to any more.
 *
 * <p>A file goes when it was neither written nor touched for one grace, and was found without a
 * reference at least one grace before, and has none now, in the transaction that removes it: a
 * worker writes first and is referred to when its report is accepted, much less than a grace later.
 * A reference or a touch in between starts everything anew. One pass at a time, in any replica.
 */
public final class ArtifactCollector {

  /** Files that are decided in one transaction. */
  private static final int BATCH = 500;

  private static final long LOCK = 0x45737061_6c676363L;

  private static final String FOUND =
      """
      insert into artifact_tombstone (sha256, found_at, seen_at)
      select name, ?, ? from unnest(?::text[]) name
      on conflict (sha256) do update set seen_at = excluded.seen_at""";

  private static final String DUE =
      "select sha256 from artifact_tombstone where sha256 = any(?) and found_at <= ?";

  private static final String CLEAR = "delete from artifact_tombstone where sha256 = any(?)";

  /** Of files that their workers have removed. */
  private static final String UNSEEN = "delete from artifact_tombstone where seen_at < ?";

  /**
   * What a pass found.
   *
   * @param artifacts files in the store, and their bytes
   * @param inUse of these, files that something refers to
   * @param young others that were written or touched less than a grace ago
   * @param waiting others that were found without a reference less than a grace ago
   * @param removed the rest, which went, or would go without {@code dryRun}, and their bytes
   */
  public record Outcome(
      boolean dryRun,
      long artifacts,
      long bytes,
      long inUse,
      long young,
      long waiting,
      long removed,
      long removedBytes) {

    Outcome plus(Outcome other) {
      return new Outcome(
          dryRun,
          artifacts + other.artifacts,
          bytes + other.bytes,
          inUse + other.inUse,
          young + other.young,
          waiting + other.waiting,
          removed + other.removed,
          removedBytes + other.removedBytes);
    }
  }

  private final DataSource dataSource;
  private final Transactions transactions;
  private final ArtifactStore store;
  private final Duration grace;
  private final InstantSource clock;

  public ArtifactCollector(
      DataSource dataSource, ArtifactStore store, Duration grace, InstantSource clock) {
    if (grace.isNegative() || grace.isZero()) {
      throw new IllegalArgumentException(
          "espalier.collection.grace must be above 0 but is " + grace);
    }
    this.dataSource = dataSource;
    this.transactions = new Transactions(dataSource);
    this.store = store;
    this.grace = grace;
    this.clock = clock;
  }

  /**
   * Looks at every file once.
   *
   * @param dryRun change nothing, neither files nor what is known of them
   * @return empty where another pass is under way
   */
  public Optional<Outcome> collect(boolean dryRun) throws SQLException {
    try (Connection holder = dataSource.getConnection()) {
      if (!lock(holder, "select pg_try_advisory_lock(?)")) {
        return Optional.empty();
      }
      try {
        return Optional.of(pass(dryRun));
      } finally {
        lock(holder, "select pg_advisory_unlock(?)");
      }
    }
  }

  private static boolean lock(Connection connection, String sql) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setLong(1, LOCK);
      try (ResultSet answer = statement.executeQuery()) {
        return answer.next() && answer.getBoolean(1);
      }
    }
  }

  private Outcome pass(boolean dryRun) throws SQLException {
    Instant start = clock.instant();
    Outcome outcome = new Outcome(dryRun, 0, 0, 0, 0, 0, 0, 0);
    List<StoredArtifact> files = new ArrayList<>();
    store.forEach(files::add);
    for (int from = 0; from < files.size(); from += BATCH) {
      List<StoredArtifact> batch = files.subList(from, Math.min(from + BATCH, files.size()));
      outcome = outcome.plus(decide(batch, start, dryRun));
    }
    if (!dryRun) {
      transactions.run(
          connection -> {
            try (PreparedStatement statement = connection.prepareStatement(UNSEEN)) {
              statement.setObject(1, start.atOffset(ZoneOffset.UTC));
              statement.executeUpdate();
            }
          });
    }
    return outcome;
  }

  private Outcome decide(List<StoredArtifact> batch, Instant now, boolean dryRun)
      throws SQLException {
    Map<String, Long> sizes = new HashMap<>();
    batch.forEach(file -> sizes.put(file.sha256(), file.sizeBytes()));
    Instant before = now.minus(grace);
    Set<String> removed = new HashSet<>();
    return transactions.call(
        connection -> {
          Set<String> referenced = ReferencedArtifacts.among(connection, sizes.keySet());
          Set<String> young = new HashSet<>();
          for (StoredArtifact file : batch) {
            if (!file.touchedAt().isBefore(before) && !referenced.contains(file.sha256())) {
              young.add(file.sha256());
            }
          }
          Set<String> unused = new HashSet<>(sizes.keySet());
          unused.removeAll(referenced);
          unused.removeAll(young);
          Set<String> due = due(connection, unused, before);
          if (!dryRun) {
            write(connection, CLEAR, referenced);
            write(connection, CLEAR, young);
            found(connection, unused, now);
            for (String name : due) {
              if (store.deleteUntouched(name, before)) {
                removed.add(name);
              }
            }
            write(connection, CLEAR, due); // one that was touched begins anew
          }
          Set<String> gone = dryRun ? due : removed;
          return new Outcome(
              dryRun,
              batch.size(),
              bytes(sizes, sizes.keySet()),
              referenced.size(),
              young.size(),
              unused.size() - gone.size(),
              gone.size(),
              bytes(sizes, gone));
        });
  }

  private static long bytes(Map<String, Long> sizes, Collection<String> names) {
    return names.stream().mapToLong(sizes::get).sum();
  }

  private static Set<String> due(Connection connection, Set<String> names, Instant before)
      throws SQLException {
    Set<String> due = new HashSet<>();
    try (PreparedStatement statement = connection.prepareStatement(DUE)) {
      statement.setArray(1, connection.createArrayOf("text", names.toArray()));
      statement.setObject(2, before.atOffset(ZoneOffset.UTC));
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          due.add(rows.getString(1));
        }
      }
    }
    return due;
  }

  private static void found(Connection connection, Set<String> names, Instant now)
      throws SQLException {
    OffsetDateTime at = now.atOffset(ZoneOffset.UTC);
    try (PreparedStatement statement = connection.prepareStatement(FOUND)) {
      statement.setObject(1, at);
      statement.setObject(2, at);
      statement.setArray(3, connection.createArrayOf("text", names.toArray()));
      statement.executeUpdate();
    }
  }

  private static void write(Connection connection, String sql, Set<String> names)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setArray(1, connection.createArrayOf("text", names.toArray()));
      statement.executeUpdate();
    }
  }
}
