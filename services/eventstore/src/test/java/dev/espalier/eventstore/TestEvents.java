package dev.espalier.eventstore;

import com.google.protobuf.Timestamp;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.schemas.stage.v1.StageEvent;
import dev.espalier.schemas.stage.v1.StageHeld;
import dev.espalier.testkit.Postgres;
import dev.espalier.testkit.Sha256;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;

/** Valid events for tests. */
final class TestEvents {

  private TestEvents() {}

  static Postgres.Database newDatabase() {
    return Postgres.shared()
        .newDatabase()
        .run("db/migration/V1__events.sql")
        .run("db/migration/V40__audit.sql");
  }

  static String stageId(String name) {
    return Sha256.hex(name.getBytes(StandardCharsets.UTF_8));
  }

  static NewEvent held(String stage, long version) {
    return held(UUID.randomUUID(), stage, version);
  }

  static NewEvent held(UUID eventId, String stage, long version) {
    Instant now = Instant.now();
    StageEvent event =
        StageEvent.newBuilder()
            .setEventId(eventId.toString())
            .setOccurredAt(
                Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()))
            .setStageId(stageId(stage))
            .setStreamVersion(version)
            .setStageHeld(StageHeld.newBuilder().setReason("version " + version))
            .build();
    return NewEvent.of(TopicContract.STAGE_EVENTS, event, now, TraceContext.start());
  }
}
