package dev.espalier.scheduler.assignment;

import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.Clock;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.sweep.assignment.Occupation;
import dev.espalier.sweep.assignment.Preemption;
import dev.espalier.sweep.assignment.PreemptionPolicy;
import dev.espalier.sweep.lifecycle.Lease;
import dev.espalier.sweep.lifecycle.StageCommand;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes slots back from running stages, as {@link PreemptionPolicy} says: their workers are told to
 * save a checkpoint and to stop, and the stages wait for another slot. Each is a transaction of its
 * own; a stage that was told before answers with no event.
 */
public final class Preemptor {

  private static final Logger LOG = LoggerFactory.getLogger(Preemptor.class);

  private static final String LEASE =
      "select worker_id, lease_id, generation from lease where stage_id = ? and worker_id = ?";

  private final Transactions transactions;
  private final StageStreams stages;
  private final PreemptionPolicy policy;
  private final LeaseSettings settings;
  private final AttemptLedger ledger;

  public Preemptor(
      Transactions transactions,
      StageStreams stages,
      PreemptionPolicy policy,
      Duration useHalfLife,
      LeaseSettings settings) {
    this.transactions = transactions;
    this.stages = stages;
    this.policy = policy;
    this.settings = settings;
    this.ledger = new AttemptLedger(useHalfLife);
  }

  /** One round. */
  void look() throws SQLException {
    Map<Preemption, Occupation> decided = transactions.call(this::decide);
    for (var entry : decided.entrySet()) {
      Preemption preemption = entry.getKey();
      transactions.run(connection -> tell(connection, preemption, entry.getValue()));
    }
  }

  private Map<Preemption, Occupation> decide(Connection connection) throws SQLException {
    List<Occupation> held = AssignmentTables.occupations(connection);
    if (held.isEmpty()) {
      return Map.of();
    }
    Instant now = Clock.now(connection);
    Map<String, Occupation> byStage =
        held.stream().collect(Collectors.toMap(Occupation::stageId, Function.identity()));
    return policy
        .preempt(
            now,
            AssignmentTables.workers(connection, settings.duration()),
            held,
            List.copyOf(AssignmentTables.offers(connection).values()),
            ledger.standing(connection, now, held))
        .stream()
        .collect(
            Collectors.toMap(Function.identity(), preemption -> byStage.get(preemption.stageId())));
  }

  private void tell(Connection connection, Preemption preemption, Occupation row)
      throws SQLException {
    Optional<Lease> lease = lease(connection, row);
    if (lease.isEmpty()) {
      return; // It has ended meanwhile.
    }
    Cause cause = new Cause("", Cause.SCHEDULER, row.team(), TraceContext.start());
    if (!stages
        .decide(
            connection,
            row.stageId(),
            new StageCommand.Preempt(lease.get(), preemption.reason()),
            cause)
        .isEmpty()) {
      LOG.info("preempted stage {} on {}: {}", row.stageId(), row.workerId(), preemption.reason());
    }
  }

  private static Optional<Lease> lease(Connection connection, Occupation row) throws SQLException {
    try (var statement = connection.prepareStatement(LEASE)) {
      statement.setString(1, row.stageId());
      statement.setString(2, row.workerId());
      try (ResultSet found = statement.executeQuery()) {
        return found.next()
            ? Optional.of(new Lease(found.getString(1), found.getString(2), found.getLong(3)))
            : Optional.empty();
      }
    }
  }
}
