package dev.espalier.scheduler.gauges;

import dev.espalier.eventstore.Transactions;
import dev.espalier.scheduler.wiring.SchedulerPart;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the queue, the slots and the outbox off the tables every few seconds. Every replica tells
 * the same, so dashboards and alerts take the maximum over replicas, never the sum. While the
 * database is away the gauges are absent: what is unknown is not shown as its last value.
 */
public final class PlatformGauges implements SchedulerPart {

  private static final Logger LOG = LoggerFactory.getLogger(PlatformGauges.class);
  private static final Duration EVERY = Duration.ofSeconds(5);

  /** Stages that the assigner may give out now, by kind, and those that run. */
  private static final String QUEUE =
      """
      select k.kind, coalesce(r.stages, 0) as runnable, coalesce(r.age_seconds, 0) as age_seconds,
        coalesce(n.stages, 0) as running
      from unnest(array['PRETRAIN','SEARCH','PRUNE','REDISTRIBUTE','FINETUNE','EVALUATE']) k(kind)
      left join (
        select kind, count(*) as stages, extract(epoch from clock_timestamp() - min(
          greatest(runnable_at, retry_at))) as age_seconds
        from stage
        where state = 'RUNNABLE' and not held and sweep_id is not null
          and (retry_at is null or retry_at <= clock_timestamp())
        group by kind) r using (kind)
      left join (
        select kind, count(*) as stages from stage where state = 'RUNNING' group by kind) n
        using (kind)""";

  private static final String SLOTS =
      """
      select w.service, count(*) as workers, sum(w.slots) as slots,
        sum((select count(*) from lease l where l.worker_id = w.worker_id)) as busy
      from worker w where w.state in ('ACTIVE', 'DRAINING') group by w.service""";

  /** An absent row is an age of nothing. */
  private static final String OUTBOX =
      """
      select coalesce(extract(epoch from clock_timestamp() - min(recorded_at)), 0)
      from event where published_at is null""";

  private final Transactions transactions;
  private final MultiGauge runnable;
  private final MultiGauge oldest;
  private final MultiGauge running;
  private final MultiGauge workers;
  private final MultiGauge slots;
  private final MultiGauge busy;
  private final MultiGauge outboxAge;
  private final List<MultiGauge> all;
  private final Thread thread;
  private volatile boolean stopping;

  public PlatformGauges(Transactions transactions, MeterRegistry metrics) {
    this.transactions = transactions;
    runnable = MultiGauge.builder("espalier.stages.runnable").register(metrics);
    oldest =
        MultiGauge.builder("espalier.stages.runnable.oldest.age")
            .baseUnit("seconds")
            .register(metrics);
    running = MultiGauge.builder("espalier.stages.running").register(metrics);
    workers = MultiGauge.builder("espalier.workers.alive").register(metrics);
    slots = MultiGauge.builder("espalier.slots").register(metrics);
    busy = MultiGauge.builder("espalier.slots.busy").register(metrics);
    outboxAge =
        MultiGauge.builder("espalier.outbox.oldest.age").baseUnit("seconds").register(metrics);
    all = List.of(runnable, oldest, running, workers, slots, busy, outboxAge);
    thread = new Thread(this::run, "platform-gauges");
    thread.setDaemon(true);
  }

  @Override
  public void start() {
    thread.start();
  }

  /** Nobody waits for a gauge, so it never makes the scheduler unready. */
  @Override
  public List<String> troubles() {
    return List.of();
  }

  @Override
  public void close() {
    stopping = true;
    thread.interrupt();
    try {
      thread.join(EVERY.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    while (!stopping) {
      try {
        read();
      } catch (SQLException | RuntimeException e) {
        all.forEach(gauge -> gauge.register(List.of(), true));
        LOG.debug("the gauges pause: {}", e.toString());
      }
      try {
        Thread.sleep(EVERY.toMillis());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** One round. */
  void read() throws SQLException {
    transactions.run(
        connection -> {
          queue(connection);
          slots(connection);
          outbox(connection);
        });
  }

  private void queue(Connection connection) throws SQLException {
    List<Row<?>> waiting = new ArrayList<>();
    List<Row<?>> ages = new ArrayList<>();
    List<Row<?>> atWork = new ArrayList<>();
    try (var statement = connection.prepareStatement(QUEUE);
        ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        Tags stage = Tags.of("stage", row.getString("kind").toLowerCase(Locale.ROOT));
        waiting.add(Row.of(stage, row.getLong("runnable")));
        ages.add(Row.of(stage, Math.max(0, row.getDouble("age_seconds"))));
        atWork.add(Row.of(stage, row.getLong("running")));
      }
    }
    runnable.register(waiting, true);
    oldest.register(ages, true);
    running.register(atWork, true);
  }

  private void slots(Connection connection) throws SQLException {
    List<Row<?>> alive = new ArrayList<>();
    List<Row<?>> places = new ArrayList<>();
    List<Row<?>> taken = new ArrayList<>();
    try (var statement = connection.prepareStatement(SLOTS);
        ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        Tags pool = Tags.of("pool", row.getString("service"));
        alive.add(Row.of(pool, row.getLong("workers")));
        places.add(Row.of(pool, row.getLong("slots")));
        taken.add(Row.of(pool, row.getLong("busy")));
      }
    }
    workers.register(alive, true);
    slots.register(places, true);
    busy.register(taken, true);
  }

  private void outbox(Connection connection) throws SQLException {
    try (var statement = connection.prepareStatement(OUTBOX);
        ResultSet row = statement.executeQuery()) {
      row.next();
      outboxAge.register(List.of(Row.of(Tags.empty(), Math.max(0, row.getDouble(1)))), true);
    }
  }
}
