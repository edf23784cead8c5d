package dev.espalier.scheduler.progress;

import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.StopReading;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.assignment.LeaseSettings;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.sweep.lifecycle.Lease;
import dev.espalier.sweep.lifecycle.StageCommand;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends attempts whose worker fell silent or makes no headway. Silence means something only to who
 * has listened: a replica judges the workers of the {@code worker.events.v1} partitions it owns,
 * and only after it has been caught up there for one full lease, and the {@link RelayLag relay}
 * with what workers are told. An outage of broker, database, relay or scheduler therefore expires
 * nothing.
 */
public final class LeaseWatch implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(LeaseWatch.class);
  private static final Duration TICK = Duration.ofMillis(500);

  private static final String OVERDUE =
      """
      select l.stage_id, l.lease_id, l.generation, l.worker_id,
        l.until < clock_timestamp() as expired,
        extract(epoch from clock_timestamp() - l.progress_at) as idle_seconds
      from lease l join worker w using (worker_id)
      where w.partition = any(?)
        and (l.until < clock_timestamp()
          or l.progress_at < clock_timestamp() - ? * interval '1 ms')
      order by l.until limit 200
      """;

  /** Read again under the lock of the stage: a renewal may have come in between. */
  private static final String STILL_OVERDUE =
      """
      select 1 from lease where stage_id = ? and lease_id = ?
        and (case when ? then until < clock_timestamp()
          else progress_at < clock_timestamp() - ? * interval '1 ms' end)
      for update
      """;

  private static final String LOSE =
      """
      update worker set state = 'LOST', ended_at = clock_timestamp()
      where partition = any(?) and state in ('ACTIVE', 'DRAINING')
        and heartbeat_at < clock_timestamp() - ? * interval '1 ms'
      """;

  private final Transactions transactions;
  private final StageStreams stages;
  private final LeaseSettings settings;
  private final RelayLag relay;
  private final Supplier<Set<Integer>> owned;
  private final IntFunction<Duration> caughtUpFor;
  private final Counter expired;
  private final Counter stalled;
  private final Counter lost;
  private final Thread thread;
  private volatile boolean stopping;
  private volatile Instant lastRound = Instant.now();

  /**
   * @param owned partitions of {@code worker.events.v1} that this replica owns
   * @param caughtUpFor for how long it has known all there is in a partition
   */
  public LeaseWatch(
      Transactions transactions,
      StageStreams stages,
      LeaseSettings settings,
      Supplier<Set<Integer>> owned,
      IntFunction<Duration> caughtUpFor,
      MeterRegistry metrics) {
    this.transactions = transactions;
    this.stages = stages;
    this.settings = settings;
    this.relay = new RelayLag(settings.duration().dividedBy(2));
    this.owned = owned;
    this.caughtUpFor = caughtUpFor;
    this.expired = metrics.counter("espalier.leases.ended", "reason", "expired");
    this.stalled = metrics.counter("espalier.leases.ended", "reason", "stalled");
    this.lost = metrics.counter("espalier.workers.lost");
    this.thread = new Thread(this::run, "lease-watch");
  }

  public void start() {
    thread.start();
  }

  public boolean alive() {
    return thread.isAlive();
  }

  /** Since the last round that went well. */
  public Duration sinceLastRound() {
    return Duration.between(lastRound, Instant.now());
  }

  private void run() {
    while (!stopping) {
      try {
        look();
        lastRound = Instant.now();
      } catch (StopReading e) {
        LOG.error("lease watch ends", e);
        return;
      } catch (SQLException | RuntimeException e) {
        if (!stopping) {
          LOG.warn("lease watch pauses: {}", e.toString());
        }
      }
      try {
        Thread.sleep(TICK.toMillis());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** One round. */
  void look() throws SQLException {
    Duration published = transactions.call(relay::caughtUpFor);
    Integer[] judged =
        owned.get().stream()
            .filter(partition -> caughtUpFor.apply(partition).compareTo(settings.duration()) >= 0)
            .toArray(Integer[]::new);
    if (judged.length == 0) {
      return;
    }
    transactions.run(connection -> lose(connection, judged));
    if (published.compareTo(settings.duration()) < 0) {
      return;
    }
    for (Overdue lease : transactions.call(connection -> overdue(connection, judged))) {
      boolean ended = transactions.call(connection -> end(connection, lease));
      if (ended) {
        (lease.expired ? expired : stalled).increment();
        LOG.info(
            "ended generation {} of stage {} on {}: {}",
            lease.lease.generation(),
            lease.stageId,
            lease.lease.workerId(),
            lease.expired ? "worker lost" : "stalled");
      }
    }
  }

  private record Overdue(String stageId, Lease lease, boolean expired, double idleSeconds) {}

  private List<Overdue> overdue(Connection connection, Integer[] partitions) throws SQLException {
    try (var statement = connection.prepareStatement(OVERDUE)) {
      statement.setArray(1, connection.createArrayOf("integer", partitions));
      statement.setLong(2, settings.stallTimeout().toMillis());
      try (ResultSet rows = statement.executeQuery()) {
        List<Overdue> overdue = new ArrayList<>();
        while (rows.next()) {
          overdue.add(
              new Overdue(
                  rows.getString(1),
                  new Lease(rows.getString(4), rows.getString(2), rows.getLong(3)),
                  rows.getBoolean(5),
                  rows.getDouble(6)));
        }
        return overdue;
      }
    }
  }

  private boolean end(Connection connection, Overdue overdue) throws SQLException {
    Cause cause;
    try (var statement =
        connection.prepareStatement("select team from stage where stage_id = ? for update")) {
      statement.setString(1, overdue.stageId);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return false;
        }
        cause = new Cause("", Cause.SCHEDULER, row.getString(1), TraceContext.start());
      }
    }
    try (var statement = connection.prepareStatement(STILL_OVERDUE)) {
      statement.setString(1, overdue.stageId);
      statement.setObject(2, UUID.fromString(overdue.lease.leaseId()));
      statement.setBoolean(3, overdue.expired);
      statement.setLong(4, settings.stallTimeout().toMillis());
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return false;
        }
      }
    }
    StageCommand command =
        overdue.expired
            ? new StageCommand.Expire(overdue.lease)
            : new StageCommand.Stall(
                overdue.lease,
                "expected headway within "
                    + settings.stallTimeout().toSeconds()
                    + " s but saw none for "
                    + Math.round(overdue.idleSeconds)
                    + " s");
    return !stages.decide(connection, overdue.stageId, command, cause).isEmpty();
  }

  private void lose(Connection connection, Integer[] partitions) throws SQLException {
    try (var statement = connection.prepareStatement(LOSE)) {
      statement.setArray(1, connection.createArrayOf("integer", partitions));
      statement.setLong(2, settings.duration().toMillis());
      int silent = statement.executeUpdate();
      if (silent > 0) {
        lost.increment(silent);
        LOG.warn("{} worker(s) fell silent", silent);
      }
    }
  }

  @Override
  public void close() {
    stopping = true;
    thread.interrupt();
    try {
      thread.join(Duration.ofSeconds(5).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
