package dev.espalier.scheduler.projection;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.scheduler.wire.SweepWire;
import dev.espalier.schemas.sweep.v1.SweepAccepted;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.sweep.lifecycle.SweepEvent.CapReached;
import dev.espalier.sweep.lifecycle.SweepState;
import dev.espalier.sweep.strategy.SearchRules;

/** Keeps the table {@code sweep}. */
public final class SweepProjection {

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final String ACCEPT =
      """
      insert into sweep (sweep_id, team, name, state, run, priority, canonical_spec_json,
        model_sha256, dataset_sha256, cells, trials, requested_by, accepted_at, device_hours_cap,
        strategy, watches_epochs)
      values (?, ?, ?, 'ACCEPTED', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """;

  private static final String UPDATE =
      """
      update sweep set state = ?, succeeded = ?, failed = ?, cancelled = ?, stopped = ?
      where sweep_id = ?
      """;

  /**
   * @param after the sweep with this event
   */
  public void apply(Statements statements, SweepEvent event, SweepState after) {
    String id = event.getSweepId();
    if (event.hasSweepAccepted()) {
      accept(statements, event, event.getSweepAccepted(), after.search().rules());
      return;
    }
    if (event.hasSweepDeleted()) {
      statements.add("delete from sweep where sweep_id = ?", id);
      return;
    }
    statements.add(
        UPDATE,
        after.phase().name(),
        after.succeeded(),
        after.failed(),
        after.cancelled(),
        after.stopped(),
        id);
    if (event.hasTrialsPlanned()) {
      statements.add(
          "update sweep set planned = planned + ? where sweep_id = ?",
          event.getTrialsPlanned().getTrialIdsCount(),
          id);
    }
    if (event.hasSweepCapReached()) {
      statements.add(
          "update sweep set cancel_reason = ? where sweep_id = ?",
          ((CapReached) SweepWire.read(event).orElseThrow()).reason(),
          id);
    }
    if (event.hasSweepCancelled()) {
      statements.add(
          "update sweep set ended_at = ?, cancel_reason = ? where sweep_id = ?",
          event.getOccurredAt(),
          event.getSweepCancelled().getReason(),
          id);
    }
    if (event.hasSweepCompleted()) {
      statements.add("update sweep set ended_at = ? where sweep_id = ?", event.getOccurredAt(), id);
    }
  }

  private static void accept(
      Statements statements, SweepEvent event, SweepAccepted accepted, SearchRules rules) {
    JsonNode spec;
    try {
      spec = JSON.readTree(accepted.getCanonicalSpecJson());
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "expected canonical JSON as the spec of sweep " + event.getSweepId(), e);
    }
    JsonNode cap = spec.path("caps").path("deviceHours");
    statements.add(
        ACCEPT,
        event.getSweepId(),
        event.getTeam(),
        spec.path("name").asText(""),
        accepted.getRun(),
        spec.path("priority").asInt(0),
        accepted.getCanonicalSpecJson(),
        accepted.getModelSha256(),
        accepted.getDatasetSha256(),
        accepted.getCells(),
        accepted.getTrials(),
        event.getRequestedBy(),
        event.getOccurredAt(),
        cap.isNumber() ? (Double) cap.asDouble() : null,
        rules.strategy().name(),
        rules.watchesEpochs());
  }
}
