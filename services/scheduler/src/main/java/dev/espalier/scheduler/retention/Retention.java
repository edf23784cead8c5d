package dev.espalier.scheduler.retention;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Transactions;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.scheduler.wiring.SchedulerPart;
import dev.espalier.sweep.lifecycle.RetryPolicy;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes away what has been kept long enough. Every replica may run one: what two do at once is done
 * once. The files behind it are the artifact store's to collect, by {@link ReferencedArtifacts}.
 */
public final class Retention implements SchedulerPart {

  private static final long EVERY_MINUTES = 10;

  private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

  private final DeletedSweeps sweeps;
  private final OldCurves curves;
  private final ScheduledExecutorService clock;

  /**
   * @param metrics from a sweep's end until the points of its curves go
   * @param deleted from a sweep's deletion until its events and results go
   */
  public Retention(
      Transactions transactions, EventStore events, Duration metrics, Duration deleted) {
    this.sweeps =
        new DeletedSweeps(
            transactions, events, new StageStreams(events, RetryPolicy.DEFAULT), deleted);
    this.curves = new OldCurves(transactions, metrics);
    this.clock =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "retention");
              thread.setDaemon(true);
              return thread;
            });
  }

  @Override
  public void start() {
    clock.scheduleWithFixedDelay(this::round, 0, EVERY_MINUTES, TimeUnit.MINUTES);
  }

  /** A failure costs room, nothing else; the next round comes. */
  private void round() {
    try {
      purge();
    } catch (SQLException | RuntimeException e) {
      LOG.warn("retention waits for its next round: {}", e.toString());
    }
  }

  /** One round. */
  public void purge() throws SQLException {
    int points = curves.purge();
    List<String> gone = sweeps.purge();
    if (points > 0 || !gone.isEmpty()) {
      LOG.info("took away {} points of old curves and the history of sweeps {}", points, gone);
    }
  }

  @Override
  public List<String> troubles() {
    return List.of();
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
