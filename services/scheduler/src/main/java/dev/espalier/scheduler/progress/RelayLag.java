package dev.espalier.scheduler.progress;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;

/**
 * For how long everything that was decided has also been published. A worker cannot list a lease
 * that it was never told of, so that its silence about one says nothing while assignments wait for
 * the relay, nor for one lease after.
 */
final class RelayLag {

  private static final String OLDEST =
      """
      select extract(epoch from clock_timestamp() - recorded_at) * 1000 from event
       where published_at is null order by id limit 1
      """;

  private final Duration tolerated;
  private long laggedNanos = System.nanoTime();

  /**
   * @param tolerated time that an event may wait to be published
   */
  RelayLag(Duration tolerated) {
    this.tolerated = tolerated;
  }

  /** Looks at the oldest event that waits; to be asked in short turns. */
  Duration caughtUpFor(Connection connection) throws SQLException {
    try (var statement = connection.prepareStatement(OLDEST);
        ResultSet row = statement.executeQuery()) {
      if (row.next() && row.getDouble(1) > tolerated.toMillis()) {
        laggedNanos = System.nanoTime();
      }
    }
    return Duration.ofNanos(System.nanoTime() - laggedNanos);
  }
}
