package dev.espalier.messaging.serde;

import dev.espalier.messaging.trace.TraceContext;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeader;

/** Headers that every record of ours carries. */
public final class EventHeaders {

  /** Case name of the message, so that tools can tell records apart without parsing them. */
  public static final String EVENT_TYPE = "event-type";

  /** {@code Bearer} and a token of the sender's identity provider; on requests only. */
  public static final String AUTHORIZATION = "authorization";

  private EventHeaders() {}

  /** Latest header of that name as text; null if there is none. */
  public static String text(Headers headers, String name) {
    Header header = headers.lastHeader(name);
    return header == null || header.value() == null
        ? null
        : new String(header.value(), StandardCharsets.UTF_8);
  }

  public static List<Header> of(String eventType, TraceContext trace) {
    return of(eventType, trace.traceparent());
  }

  public static List<Header> of(String eventType, String traceparent) {
    Header type = header(EVENT_TYPE, eventType);
    return traceparent == null
        ? List.of(type)
        : List.of(type, header(TraceContext.HEADER, traceparent));
  }

  public static Header header(String name, String value) {
    return new RecordHeader(name, value.getBytes(StandardCharsets.UTF_8));
  }
}
