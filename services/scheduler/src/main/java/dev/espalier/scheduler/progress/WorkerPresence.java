package dev.espalier.scheduler.progress;

import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.scheduler.assignment.LeaseSettings;
import dev.espalier.scheduler.stream.AssignmentSignal;
import dev.espalier.scheduler.wire.Labels;
import dev.espalier.scheduler.wire.SharedWire;
import dev.espalier.schemas.worker.v1.Capability;
import dev.espalier.schemas.worker.v1.HeldLease;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import dev.espalier.schemas.worker.v1.WorkerJoined;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the tables of workers and renews the leases that their heartbeats list, exactly those.
 *
 * <p><b>Order</b>: keyed by worker id. <b>Delivery</b>: at least once, without an inbox; every
 * statement may be repeated. A heartbeat counts from when it is handled, not from when it was sent:
 * nobody is lost because we were late. <b>Failure</b>: as everywhere, outages are ridden out.
 */
public final class WorkerPresence {

  private static final Logger LOG = LoggerFactory.getLogger(WorkerPresence.class);

  /** A worker that leaves has reported first, on another topic: let that be heard. */
  private static final int GRACE_AFTER_LEAVING_MS = 3000;

  private static final String JOIN =
      """
      insert into worker (worker_id, partition, service, state, slots, device_kind, device, host,
        engine_version, software_version, labels, joined_at, heartbeat_at)
      values (?, ?, ?, 'ACTIVE', ?, ?, ?, ?, ?, ?, cast(? as jsonb), clock_timestamp(),
        clock_timestamp())
      on conflict (worker_id) do nothing
      """;

  private static final String CAPABILITY =
      """
      insert into worker_capability (worker_id, kind, algorithm, algorithm_version)
      values (?, ?, ?, ?) on conflict do nothing
      """;

  private static final String HEARTBEAT =
      """
      update worker set heartbeat_at = clock_timestamp(), partition = ?,
        state = case when state = 'LOST' then 'ACTIVE' else state end,
        ended_at = case when state = 'LOST' then null else ended_at end
      where worker_id = ? and state <> 'LEFT'
      """;

  private static final String RENEW =
      """
      update lease set
        until = greatest(until, clock_timestamp() + ? * interval '1 ms'),
        progress_at = case when ? > progress then clock_timestamp() else progress_at end,
        progress = greatest(progress, ?)
      where stage_id = ? and lease_id = ? and generation = ? and worker_id = ?
      """;

  private static final String SHORTEN =
      """
      update lease set until = least(until, clock_timestamp() + ? * interval '1 ms')
      where worker_id = ?
      """;

  private final Transactions transactions;
  private final LeaseSettings settings;

  public WorkerPresence(Transactions transactions, LeaseSettings settings) {
    this.transactions = transactions;
    this.settings = settings;
  }

  public void handle(List<ConsumedRecord<WorkerEvent>> records) throws SQLException {
    transactions.run(
        connection -> {
          renew(connection, records);
          for (ConsumedRecord<WorkerEvent> record : records) {
            apply(connection, record.message(), record.partition());
          }
        });
  }

  private void apply(Connection connection, WorkerEvent event, int partition) throws SQLException {
    String worker = event.getWorkerId();
    switch (event.getEventCase()) {
      case WORKER_JOINED -> {
        join(connection, worker, partition, event.getWorkerJoined());
        AssignmentSignal.raise(connection);
        LOG.info("worker {} joined", worker);
      }
      case WORKER_HEARTBEAT -> heartbeat(connection, worker, partition);
      case WORKER_DRAINING -> {
        end(connection, worker, "DRAINING");
        LOG.info("worker {} drains", worker);
      }
      case WORKER_LEFT -> {
        end(connection, worker, "LEFT");
        try (var statement = connection.prepareStatement(SHORTEN)) {
          statement.setLong(1, GRACE_AFTER_LEAVING_MS);
          statement.setString(2, worker);
          statement.executeUpdate();
        }
        LOG.info("worker {} left: {}", worker, event.getWorkerLeft().getReason());
      }
      case EVENT_NOT_SET -> LOG.debug("worker {} says something new", worker);
    }
  }

  private static void join(Connection connection, String worker, int partition, WorkerJoined joined)
      throws SQLException {
    try (var statement = connection.prepareStatement(JOIN)) {
      statement.setString(1, worker);
      statement.setInt(2, partition);
      statement.setString(3, joined.getService());
      statement.setInt(4, joined.getSlots());
      statement.setString(5, joined.getDeviceKind());
      statement.setString(6, joined.getDevice());
      statement.setString(7, joined.getHost());
      statement.setString(8, joined.getEngineVersion());
      statement.setString(9, joined.getSoftwareVersion());
      statement.setString(10, Labels.of(joined));
      statement.executeUpdate();
    }
    try (var statement = connection.prepareStatement(CAPABILITY)) {
      for (Capability capability : joined.getCapabilitiesList()) {
        statement.setString(1, worker);
        statement.setString(2, SharedWire.kind(capability.getKind()));
        statement.setString(3, capability.getAlgorithm());
        statement.setInt(4, capability.getAlgorithmVersion());
        statement.executeUpdate();
      }
    }
  }

  private static void heartbeat(Connection connection, String worker, int partition)
      throws SQLException {
    try (var statement = connection.prepareStatement(HEARTBEAT)) {
      statement.setInt(1, partition);
      statement.setString(2, worker);
      statement.executeUpdate();
    }
  }

  /** A lease, and the worker that lists it. */
  private record Listed(String worker, HeldLease lease) {}

  /**
   * Before anything else, so that whoever leaves has the last word; and always in the same order,
   * so that two transactions never wait for each other.
   */
  private void renew(Connection connection, List<ConsumedRecord<WorkerEvent>> records)
      throws SQLException {
    List<Listed> listed = new ArrayList<>();
    for (ConsumedRecord<WorkerEvent> record : records) {
      WorkerEvent event = record.message();
      for (HeldLease lease : event.getWorkerHeartbeat().getLeasesList()) {
        listed.add(new Listed(event.getWorkerId(), lease));
      }
    }
    if (listed.isEmpty()) {
      return;
    }
    listed.sort(Comparator.comparing(one -> one.lease.getStageId()));
    try (var statement = connection.prepareStatement(RENEW)) {
      for (Listed one : listed) {
        HeldLease lease = one.lease;
        statement.setLong(1, settings.duration().toMillis());
        statement.setLong(2, lease.getProgress());
        statement.setLong(3, lease.getProgress());
        statement.setString(4, lease.getStageId());
        statement.setObject(5, UUID.fromString(lease.getLeaseId()));
        statement.setLong(6, lease.getGeneration());
        statement.setString(7, one.worker);
        statement.addBatch();
      }
      statement.executeBatch();
    }
  }

  private static void end(Connection connection, String worker, String state) throws SQLException {
    try (var statement =
        connection.prepareStatement(
            "update worker set state = ?, ended_at = clock_timestamp() where worker_id = ?"
                + " and state <> 'LEFT'")) {
      statement.setString(1, state);
      statement.setString(2, worker);
      statement.executeUpdate();
    }
  }
}
