package dev.espalier.scheduler.assignment;

import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.assignment.DeviceHours.Use;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.sweep.assignment.TeamShare;
import dev.espalier.sweep.lifecycle.SweepCommand;
import java.sql.SQLException;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has sweeps say that they stopped at a cap: at once when it is reached, and for good when what ran
 * then has ended. That nothing starts in between is the {@link Assigner}'s, which looks at the same
 * figures under its lock.
 */
public final class CapWatch {

  private static final Logger LOG = LoggerFactory.getLogger(CapWatch.class);

  private final Transactions transactions;
  private final SweepStreams sweeps;
  private final DeviceHours hours;

  public CapWatch(Transactions transactions, SweepStreams sweeps, Map<String, TeamShare> teams) {
    this.transactions = transactions;
    this.sweeps = sweeps;
    this.hours = new DeviceHours(teams);
  }

  /** One round. */
  void look() throws SQLException {
    for (Use use : transactions.call(hours::read)) {
      Cause cause = new Cause("", Cause.SCHEDULER, use.team(), TraceContext.start());
      if (use.capped() && use.running() == 0) {
        sweeps.decide(use.sweepId(), new SweepCommand.Cancel(use.reason()), cause);
      } else if (!use.capped() && use.reached().isPresent()) {
        LOG.info("sweep {} {}", use.sweepId(), use.reached().get().reason());
        sweeps.decide(use.sweepId(), new SweepCommand.ReachCap(use.reached().get()), cause);
      }
    }
  }
}
