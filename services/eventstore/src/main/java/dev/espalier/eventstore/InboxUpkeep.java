package dev.espalier.eventstore;

import java.sql.SQLException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes and drops the inbox's partitions as days go by. Every replica may run one. */
public final class InboxUpkeep implements AutoCloseable {

  private static final long EVERY_MINUTES = 60;

  private static final Logger LOG = LoggerFactory.getLogger(InboxUpkeep.class);

  private final Transactions transactions;
  private final Inbox inbox;
  private final ScheduledExecutorService clock;

  public InboxUpkeep(Transactions transactions, Inbox inbox) {
    this.transactions = transactions;
    this.inbox = inbox;
    clock =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              var thread = new Thread(task, "inbox-upkeep");
              thread.setDaemon(true);
              return thread;
            });
  }

  public void start() {
    clock.scheduleWithFixedDelay(this::maintain, 0, EVERY_MINUTES, TimeUnit.MINUTES);
  }

  /** A failure costs nothing but tidiness: rows of a day without a partition have a place, too. */
  private void maintain() {
    try {
      transactions.run(inbox::maintain);
    } catch (SQLException | RuntimeException e) {
      LOG.warn("the inbox's partitions were not looked after: {}", e.toString());
    }
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
