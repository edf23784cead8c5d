package dev.espalier.scheduler.process;

import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.sweep.lifecycle.Consequence;
import java.util.List;
import java.util.Map;

/**
 * What follows from one event.
 *
 * @param specs of stages that it makes known, by id
 * @param cause the event, as the cause of what follows
 */
record Outcome(
    ConsumedRecord<?> record,
    List<Consequence> consequences,
    Map<String, StageSpec> specs,
    Cause cause) {}
