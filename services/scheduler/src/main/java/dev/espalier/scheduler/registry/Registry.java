package dev.espalier.scheduler.registry;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;

/** Models and datasets that sweeps may name. */
public final class Registry {

  /** What a registered name stands for. */
  public enum Kind {
    MODEL("model", "architecture"),
    DATASET("dataset", "summary");

    private final String table;
    private final String column;

    Kind(String table, String column) {
      this.table = table;
      this.column = column;
    }

    /** As people call it. */
    public String noun() {
      return table;
    }
  }

  /**
   * A registered file.
   *
   * @param description the model's architecture or the dataset's summary, JSON
   */
  public record Entry(
      String name, String sha256, long sizeBytes, String description, Instant createdAt) {}

  /** What became of a registration. */
  public enum Outcome {
    CREATED,
    /** The name stood for the same bytes before. */
    UNCHANGED,
    REPLACED,
    /** The name stands for other bytes, and replacing was not asked for. */
    CONFLICT
  }

  private final DataSource dataSource;

  public Registry(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  public Outcome register(
      Kind kind, String name, String sha256, long sizeBytes, String description, boolean replace)
      throws SQLException {
    String insert =
        """
        insert into %s (name, sha256, size_bytes, %s) values (?, ?, ?, ?::jsonb)
        on conflict (name) do nothing"""
            .formatted(kind.table, kind.column);
    String update =
        """
        update %s set sha256 = ?, size_bytes = ?, %s = ?::jsonb, created_at = clock_timestamp()
        where name = ? and sha256 <> ?"""
            .formatted(kind.table, kind.column);
    try (Connection connection = dataSource.getConnection()) {
      try (PreparedStatement statement = connection.prepareStatement(insert)) {
        statement.setString(1, name);
        statement.setString(2, sha256);
        statement.setLong(3, sizeBytes);
        statement.setString(4, description);
        if (statement.executeUpdate() == 1) {
          return Outcome.CREATED;
        }
      }
      if (!replace) {
        boolean same = find(connection, kind, name).map(e -> e.sha256.equals(sha256)).orElse(false);
        return same ? Outcome.UNCHANGED : Outcome.CONFLICT;
      }
      try (PreparedStatement statement = connection.prepareStatement(update)) {
        statement.setString(1, sha256);
        statement.setLong(2, sizeBytes);
        statement.setString(3, description);
        statement.setString(4, name);
        statement.setString(5, sha256);
        return statement.executeUpdate() == 1 ? Outcome.REPLACED : Outcome.UNCHANGED;
      }
    }
  }

  public Optional<Entry> find(Kind kind, String name) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      return find(connection, kind, name);
    }
  }

  /** All entries by name. */
  public List<Entry> all(Kind kind) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        PreparedStatement statement =
            connection.prepareStatement(select(kind) + " order by name limit 10000");
        ResultSet rows = statement.executeQuery()) {
      List<Entry> entries = new ArrayList<>();
      while (rows.next()) {
        entries.add(entry(rows));
      }
      return entries;
    }
  }

  private static Optional<Entry> find(Connection connection, Kind kind, String name)
      throws SQLException {
    if (name.indexOf('\0') >= 0) {
      return Optional.empty(); // No column can hold it.
    }
    try (PreparedStatement statement =
        connection.prepareStatement(select(kind) + " where name = ?")) {
      statement.setString(1, name);
      try (ResultSet rows = statement.executeQuery()) {
        return rows.next() ? Optional.of(entry(rows)) : Optional.empty();
      }
    }
  }

  private static String select(Kind kind) {
    return "select name, sha256, size_bytes, %s, created_at from %s"
        .formatted(kind.column, kind.table);
  }

  private static Entry entry(ResultSet rows) throws SQLException {
    return new Entry(
        rows.getString(1),
        rows.getString(2),
        rows.getLong(3),
        rows.getString(4),
        rows.getObject(5, OffsetDateTime.class).toInstant());
  }
}
