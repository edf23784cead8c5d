package dev.espalier.scheduler.retention;

import dev.espalier.scheduler.wiring.SchedulerPart;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Collects once in an interval, the first time one interval after the start. */
public final class CollectionJob implements SchedulerPart {

  private static final Logger LOG = LoggerFactory.getLogger(CollectionJob.class);

  private final ArtifactCollector collector;
  private final Duration interval;
  private final ScheduledExecutorService clock;

  public CollectionJob(ArtifactCollector collector, Duration interval) {
    this.collector = collector;
    this.interval = interval;
    clock =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              var thread = new Thread(task, "artifact-collection");
              thread.setDaemon(true);
              return thread;
            });
  }

  @Override
  public void start() {
    long pause = interval.toMillis();
    clock.scheduleWithFixedDelay(this::collect, pause, pause, TimeUnit.MILLISECONDS);
  }

  /** A failure leaves files for the next pass. */
  private void collect() {
    try {
      Optional<ArtifactCollector.Outcome> outcome = collector.collect(false);
      outcome
          .filter(found -> found.removed() > 0)
          .ifPresent(
              found ->
                  LOG.info(
                      "removed {} of {} artifacts, {} bytes, that nothing referred to",
                      found.removed(),
                      found.artifacts(),
                      found.removedBytes()));
    } catch (SQLException | RuntimeException e) {
      LOG.warn("artifacts were not collected: {}", e.toString());
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
