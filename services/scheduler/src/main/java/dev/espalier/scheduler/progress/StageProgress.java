package dev.espalier.scheduler.progress;

import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.messaging.trace.LogContext;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.scheduler.stream.StageWire;
import dev.espalier.schemas.stage.v1.StageProgressed;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.sweep.lifecycle.FailureCategory;
import dev.espalier.sweep.lifecycle.Lease;
import dev.espalier.sweep.lifecycle.StageCommand;
import dev.espalier.sweep.lifecycle.StageCommand.Report;
import dev.espalier.sweep.lifecycle.StageEvent;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns workers' reports into facts, if they come under the current lease.
 *
 * <p><b>Order</b>: keyed by stage id; one stage's reports arrive in order, different stages' in
 * any. <b>Delivery</b>: at least once; the event id is stored in the transaction that changes the
 * stage, so a repeat changes nothing, and the offset is committed only afterwards. <b>Failure</b>:
 * bytes that do not parse are parked in {@code stage.reports.v1.dlq}; outages of database and
 * broker are ridden out.
 */
public final class StageProgress {

  private static final Logger LOG = LoggerFactory.getLogger(StageProgress.class);
  private static final String CONSUMER = "progress";

  private static final String PROGRESS =
      """
      update lease set step = ?, total_steps = ?, images_per_second = ?
      where stage_id = ? and lease_id = ? and generation = ?
      """;

  private final Transactions transactions;
  private final Inbox inbox;
  private final StageStreams stages;
  private final MeterRegistry metrics;

  public StageProgress(
      Transactions transactions, Inbox inbox, StageStreams stages, MeterRegistry metrics) {
    this.metrics = metrics;
    this.transactions = transactions;
    this.inbox = inbox;
    this.stages = stages;
    // From the start at 0: an alert sees a counter rise, not appear.
    for (String result : List.of("accepted", "repeated", "stale")) {
      metrics.counter("espalier.reports", "result", result);
    }
    for (FailureCategory category : FailureCategory.values()) {
      failures(category);
    }
  }

  private Counter failures(FailureCategory category) {
    return metrics.counter(
        "espalier.attempts.failed", "reason", category.name().toLowerCase(Locale.ROOT));
  }

  public void handle(ConsumedRecord<StageReport> record) throws SQLException {
    StageReport message = record.message();
    try (LogContext context =
        LogContext.open()
            .stage(message.getStageId(), message.getGeneration())
            .trace(record.trace())) {
      if (message.hasStageProgressed()) {
        progressed(message, message.getStageProgressed());
        return;
      }
      Optional<Report> report = StageWire.report(message);
      if (report.isPresent()) {
        accept(record, report.get());
      }
    }
  }

  private void accept(ConsumedRecord<StageReport> record, Report report) throws SQLException {
    StageReport message = record.message();
    Lease lease = new Lease(message.getWorkerId(), message.getLeaseId(), message.getGeneration());
    Cause cause =
        new Cause(
            message.getEventId(),
            Cause.worker(message.getWorkerId()),
            message.getTeam(),
            record.trace().next());
    List<StageEvent> decided =
        transactions.call(
            connection ->
                inbox.firstSeen(connection, CONSUMER, message.getEventId(), record.payload())
                    ? stages.decide(
                        connection,
                        message.getStageId(),
                        new StageCommand.Accept(message.getEventId(), lease, report),
                        cause)
                    : List.of());
    boolean stale = decided.stream().anyMatch(StageEvent.StaleReportRejected.class::isInstance);
    String result = decided.isEmpty() ? "repeated" : stale ? "stale" : "accepted";
    metrics.counter("espalier.reports", "result", result).increment();
    for (StageEvent event : decided) {
      if (event instanceof StageEvent.AttemptEnded ended) {
        failures(ended.cause().category()).increment();
        LOG.info("attempt ended: {} {}", ended.cause().code(), ended.cause().message());
      } else if (event instanceof StageEvent.StaleReportRejected rejected) {
        LOG.info(
            "rejected {} of generation {}; the stage is at {}",
            rejected.reportType(),
            rejected.generation(),
            rejected.currentGeneration());
      }
    }
  }

  /** Telemetry, no fact: a late one is simply not shown. */
  private void progressed(StageReport message, StageProgressed progress) throws SQLException {
    transactions.run(
        connection -> {
          try (var statement = connection.prepareStatement(PROGRESS)) {
            statement.setLong(1, progress.getStep());
            statement.setLong(2, progress.getTotalSteps());
            statement.setDouble(3, progress.getImagesPerSecond());
            statement.setString(4, message.getStageId());
            statement.setObject(5, UUID.fromString(message.getLeaseId()));
            statement.setLong(6, message.getGeneration());
            statement.executeUpdate();
          }
        });
  }
}
