package dev.espalier.scheduler.progress;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Inbox.Arrival;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.messaging.trace.LogContext;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.Changes;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.scheduler.wire.StageWire;
import dev.espalier.schemas.stage.v1.StageProgressed;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.sweep.lifecycle.FailureCategory;
import dev.espalier.sweep.lifecycle.Lease;
import dev.espalier.sweep.lifecycle.StageCommand;
import dev.espalier.sweep.lifecycle.StageCommand.Report;
import dev.espalier.sweep.lifecycle.StageEvent;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
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
  private final EventStore events;
  private final Inbox inbox;
  private final StageStreams stages;
  private final MeterRegistry metrics;

  public StageProgress(
      Transactions transactions,
      EventStore events,
      Inbox inbox,
      StageStreams stages,
      MeterRegistry metrics) {
    this.metrics = metrics;
    this.events = events;
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

  /** What one poll brought: all of it in one transaction. */
  public void handle(List<ConsumedRecord<StageReport>> records) throws SQLException {
    List<Told> told = new ArrayList<>();
    List<StageReport> progressed = new ArrayList<>();
    for (ConsumedRecord<StageReport> record : records) {
      StageReport message = record.message();
      if (message.hasStageProgressed()) {
        progressed.add(message);
      } else {
        StageWire.report(message).ifPresent(report -> told.add(new Told(record, report)));
      }
    }
    if (!told.isEmpty()) {
      List<List<StageEvent>> decided =
          Changes.in(transactions, events, changes -> accept(changes, told));
      for (int i = 0; i < told.size(); i++) {
        count(told.get(i).record, decided.get(i));
      }
    }
    if (!progressed.isEmpty()) {
      transactions.run(connection -> write(connection, progressed));
    }
  }

  private record Told(ConsumedRecord<StageReport> record, Report report) {}

  /**
   * @return what was decided upon each; nothing upon a repeat
   */
  private List<List<StageEvent>> accept(Changes changes, List<Told> told) throws SQLException {
    boolean[] first =
        inbox.firstSeen(
            changes.connection(),
            CONSUMER,
            told.stream()
                .map(one -> new Arrival(one.record.eventId(), one.record.payload()))
                .toList());
    List<String> stageIds = new ArrayList<>();
    for (int i = 0; i < first.length; i++) {
      if (first[i]) {
        stageIds.add(told.get(i).record.message().getStageId());
      }
    }
    stages.prepare(changes, stageIds);
    List<List<StageEvent>> decided = new ArrayList<>();
    for (int i = 0; i < first.length; i++) {
      decided.add(first[i] ? accept(changes, told.get(i)) : List.of());
    }
    return decided;
  }

  private List<StageEvent> accept(Changes changes, Told told) throws SQLException {
    StageReport message = told.record.message();
    Lease lease = new Lease(message.getWorkerId(), message.getLeaseId(), message.getGeneration());
    Cause cause =
        new Cause(
            message.getEventId(),
            Cause.worker(message.getWorkerId()),
            message.getTeam(),
            told.record.trace().next());
    return stages.decide(
        changes,
        message.getStageId(),
        new StageCommand.Accept(message.getEventId(), lease, told.report),
        cause);
  }

  private void count(ConsumedRecord<StageReport> record, List<StageEvent> decided) {
    boolean stale = decided.stream().anyMatch(StageEvent.StaleReportRejected.class::isInstance);
    String result = decided.isEmpty() ? "repeated" : stale ? "stale" : "accepted";
    metrics.counter("espalier.reports", "result", result).increment();
    StageReport message = record.message();
    try (LogContext context =
        LogContext.open()
            .stage(message.getStageId(), message.getGeneration())
            .trace(record.trace())) {
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
  }

  /** Telemetry, no fact: a late one is simply not shown. */
  private static void write(Connection connection, List<StageReport> reports) throws SQLException {
    // Of each lease the last word, and in the order in which all lock leases.
    Map<String, StageReport> latest = new TreeMap<>();
    reports.forEach(report -> latest.put(report.getStageId() + report.getLeaseId(), report));
    try (var statement = connection.prepareStatement(PROGRESS)) {
      for (StageReport report : latest.values()) {
        StageProgressed progress = report.getStageProgressed();
        statement.setLong(1, progress.getStep());
        statement.setLong(2, progress.getTotalSteps());
        statement.setDouble(3, progress.getImagesPerSecond());
        statement.setString(4, report.getStageId());
        statement.setObject(5, UUID.fromString(report.getLeaseId()));
        statement.setLong(6, report.getGeneration());
        statement.addBatch();
      }
      statement.executeBatch();
    }
  }
}
