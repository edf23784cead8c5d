package dev.espalier.eventstore;

import dev.espalier.messaging.consume.PermanentFailure;

/** The same event id came twice with different bytes: a writer's defect, or worse. */
public final class PayloadMismatch extends PermanentFailure {

  private static final long serialVersionUID = 1L;

  public PayloadMismatch(String consumer, String eventId) {
    super(
        "event "
            + eventId
            + " was seen before by "
            + consumer
            + " with another payload; expected the same bytes");
  }
}
