package dev.espalier.scheduler.explain;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.StoredEvent;
import dev.espalier.scheduler.explain.Explanation.Line;
import dev.espalier.scheduler.stream.UnknownHistory;
import dev.espalier.schemas.stage.v1.StageEvent;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.schemas.trial.v1.TrialEvent;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import javax.sql.DataSource;

/** Tells the history of a trial from the events of its sweep, its stages and itself. */
public final class TrialExplainer {

  private static final String TRIAL =
      """
      select sweep_id, state, failed_stage_id, failure_category, failure_code, failure_message,
        waits, rung, stop_rule, stop_epoch, stop_reason
      from trial where trial_id = ?
      """;

  private static final String STAGES =
      """
      select t.stage_id, s.kind from trial_stage t join stage s using (stage_id)
      where t.trial_id = ? order by t.position
      """;

  private static final String CAUSE = "select type, stream from event where event_id = ?";

  private record Told(StoredEvent event, String subject, String what, String causedBy, String by) {}

  private final DataSource dataSource;
  private final EventStore events = new EventStore();

  public TrialExplainer(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  /** Empty if there is no such trial. */
  public Optional<Explanation> explain(String trialId) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        PreparedStatement select = connection.prepareStatement(TRIAL)) {
      select.setString(1, trialId);
      try (ResultSet row = select.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        String sweepId = row.getString("sweep_id");
        String state = row.getString("state");
        List<Line> history = history(connection, sweepId, trialId);
        return Optional.of(
            new Explanation(
                trialId,
                sweepId,
                state,
                state.equals("CANCELLED")
                    ? "it was " + cancelled(history)
                    : why(connection, trialId, state, row),
                history));
      }
    }
  }

  private static String why(Connection connection, String trialId, String state, ResultSet trial)
      throws SQLException {
    return switch (state) {
      case "SUCCEEDED" -> "every stage of its walk is done";
      case "FAILED" ->
          "a stage failed for good (%s %s): %s"
              .formatted(
                  trial.getString("failure_category").toLowerCase(Locale.ROOT),
                  trial.getString("failure_code"),
                  trial.getString("failure_message"));
      case "STOPPED" ->
          "%s stopped it after epoch %d: %s"
              .formatted(
                  trial.getString("stop_rule"),
                  trial.getInt("stop_epoch"),
                  trial.getString("stop_reason"));
      default ->
          trial.getBoolean("waits")
              ? waits(trial.getInt("rung"))
              : Standing.of(connection, trialId)
                  .orElse("its last stage is done, which it learns now");
    };
  }

  /** By itself, or with its sweep, whose word came first. */
  private static String cancelled(List<Line> history) {
    String said = "cancelled";
    for (Line line : history) {
      boolean reason = line.what().startsWith("cancelled: ");
      if (reason && (line.subject().equals("sweep") || line.subject().equals("trial"))) {
        said = line.what();
      }
      if (line.subject().equals("trial") && line.what().startsWith("cancelled")) {
        break;
      }
    }
    return said;
  }

  private List<Line> history(Connection connection, String sweepId, String trialId)
      throws SQLException {
    List<Told> told = new ArrayList<>();
    try {
      for (StoredEvent event : events.load(connection, "sweep-" + sweepId)) {
        SweepEvent message = SweepEvent.parseFrom(event.payload());
        if (concerns(message, trialId)) {
          told.add(
              new Told(
                  event,
                  "sweep",
                  Sentences.of(message),
                  message.getCausedBy(),
                  message.getRequestedBy()));
        }
      }
      for (StoredEvent event : events.load(connection, "trial-" + trialId)) {
        TrialEvent message = TrialEvent.parseFrom(event.payload());
        told.add(
            new Told(
                event,
                "trial",
                Sentences.of(message),
                message.getCausedBy(),
                message.getRequestedBy()));
      }
      tellStages(connection, trialId, told);
    } catch (InvalidProtocolBufferException e) {
      throw new UnknownHistory("of trial " + trialId, 0, e.getMessage());
    }
    told.sort(Comparator.comparingLong((Told one) -> one.event.id()));
    return lines(connection, told);
  }

  /** What other trials do is of no interest here, nor is who else wants a stage. */
  private void tellStages(Connection connection, String trialId, List<Told> told)
      throws SQLException, InvalidProtocolBufferException {
    try (PreparedStatement select = connection.prepareStatement(STAGES)) {
      select.setString(1, trialId);
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          String kind = row.getString("kind").toLowerCase(Locale.ROOT);
          for (StoredEvent event : events.load(connection, "stage-" + row.getString("stage_id"))) {
            StageEvent message = StageEvent.parseFrom(event.payload());
            boolean ofOthers =
                message.hasStageClaimed() && !message.getStageClaimed().getTrialId().equals(trialId)
                    || message.hasStageReleased()
                        && !message.getStageReleased().getTrialId().equals(trialId);
            if (!ofOthers) {
              told.add(
                  new Told(
                      event,
                      kind,
                      Sentences.of(message),
                      message.getCausedBy(),
                      message.getRequestedBy()));
            }
          }
        }
      }
    }
  }

  private static String waits(int rung) {
    return "it is at the end of rung %d, until its cell is promoted or stopped".formatted(rung);
  }

  private static boolean concerns(SweepEvent event, String trialId) {
    return switch (event.getEventCase()) {
      case TRIAL_ENDED, TRIALS_PLANNED -> false;
      case TRIAL_EPOCH_REACHED -> event.getTrialEpochReached().getTrialId().equals(trialId);
      case CELL_PROMOTED -> event.getCellPromoted().getTrialIdsList().contains(trialId);
      case TRIAL_STOP_DECIDED -> event.getTrialStopDecided().getTrialId().equals(trialId);
      case BISECTION_STEPPED -> event.getBisectionStepped().getTrialId().equals(trialId);
      default -> true;
    };
  }

  private static List<Line> lines(Connection connection, List<Told> told) throws SQLException {
    Map<String, String> known = new HashMap<>();
    told.forEach(one -> known.put(one.event.eventId().toString(), one.subject + " " + one.what));
    List<Line> lines = new ArrayList<>();
    for (Told one : told) {
      String because = known.get(one.causedBy);
      if (because == null) {
        because = elsewhere(connection, one.causedBy);
      }
      if (because.isEmpty() && !one.by.isEmpty() && !one.by.equals("scheduler")) {
        because = "asked by " + one.by;
      }
      lines.add(
          new Line(
              one.event.occurredAt(),
              one.subject,
              one.what,
              because,
              one.event.eventId().toString()));
    }
    return lines;
  }

  /** A cause outside of this trial's streams; a command or a report is no event of ours. */
  private static String elsewhere(Connection connection, String eventId) throws SQLException {
    UUID id;
    try {
      id = UUID.fromString(eventId);
    } catch (IllegalArgumentException e) {
      return "";
    }
    try (PreparedStatement select = connection.prepareStatement(CAUSE)) {
      select.setObject(1, id);
      try (ResultSet row = select.executeQuery()) {
        return row.next()
            ? row.getString("type").replace('_', ' ') + " in " + row.getString("stream")
            : "";
      }
    }
  }
}
