package dev.espalier.scheduler.assignment;

import dev.espalier.sweep.assignment.Occupation;
import dev.espalier.sweep.assignment.SlotUse;
import dev.espalier.sweep.assignment.Standing;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What teams have used of late, read off the attempts: all that still counts when it is first
 * asked, and afterwards, at most once a second, what has ended since. What it remembers can be read
 * again at any time, so that replicas need not tell one another.
 */
final class AttemptLedger {

  /** After so many half-lives a slot-second counts less than half a percent. */
  private static final int HALF_LIVES = 8;

  private static final Duration REFRESH = Duration.ofSeconds(1);

  /** An attempt's end becomes visible when its transaction commits, a little after its time. */
  private static final Duration OVERLAP = Duration.ofSeconds(10);

  private static final String ENDED =
      """
      select stage_id, generation, team, sweep_id, assigned_at, ended_at
      from attempt where ended_at >= ? and team is not null and sweep_id is not null
      """;

  private record Key(String stageId, long generation) {}

  private final Duration halfLife;
  private final SlotUse use;
  private final Map<Key, Instant> counted = new HashMap<>();
  private final Map<String, Instant> servedAt = new HashMap<>();
  private final Set<String> teams = new HashSet<>();
  private Instant readUntil;
  private Instant refreshedAt = Instant.EPOCH;

  AttemptLedger(Duration halfLife) {
    this.halfLife = halfLife;
    this.use = new SlotUse(halfLife);
  }

  /** The standing now, given the slots that are held. */
  Standing standing(Connection connection, Instant now, List<Occupation> held) throws SQLException {
    if (!now.isBefore(refreshedAt.plus(REFRESH)) || now.isBefore(refreshedAt)) {
      read(connection, now);
      refreshedAt = now;
    }
    Map<String, Double> slotSeconds = new HashMap<>();
    teams.forEach(team -> slotSeconds.put(team, use.of(team, now)));
    Map<String, Instant> served = new HashMap<>(servedAt);
    for (Occupation slot : held) {
      slotSeconds.merge(slot.team(), use.running(slot.since(), now), Double::sum);
      served.merge(slot.sweepId(), slot.since(), AttemptLedger::later);
    }
    return new Standing(slotSeconds, served);
  }

  private record Ended(Key key, String team, String sweepId, Instant from, Instant to) {}

  private void read(Connection connection, Instant now) throws SQLException {
    Instant horizon = now.minus(halfLife.multipliedBy(HALF_LIVES));
    Instant after = readUntil == null ? horizon : readUntil.minus(OVERLAP);
    List<Ended> news = new ArrayList<>();
    try (var statement = connection.prepareStatement(ENDED)) {
      statement.setObject(1, OffsetDateTime.ofInstant(after, ZoneOffset.UTC));
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          news.add(
              new Ended(
                  new Key(rows.getString(1), rows.getLong(2)),
                  rows.getString(3),
                  rows.getString(4),
                  rows.getObject(5, OffsetDateTime.class).toInstant(),
                  rows.getObject(6, OffsetDateTime.class).toInstant()));
        }
      }
    }
    counted.values().removeIf(end -> end.isBefore(after));
    servedAt.values().removeIf(at -> at.isBefore(horizon));
    for (Ended attempt : news) {
      if (counted.putIfAbsent(attempt.key(), attempt.to()) == null) {
        use.add(attempt.team(), attempt.from(), attempt.to());
        teams.add(attempt.team());
      }
      servedAt.merge(attempt.sweepId(), attempt.from(), AttemptLedger::later);
      readUntil = readUntil == null ? attempt.to() : later(readUntil, attempt.to());
    }
  }

  private static Instant later(Instant one, Instant other) {
    return one.isAfter(other) ? one : other;
  }
}
