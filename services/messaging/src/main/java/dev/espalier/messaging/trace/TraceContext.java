package dev.espalier.messaging.trace;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/**
 * W3C trace context of one piece of work, carried in the header {@code traceparent}.
 *
 * @param traceId 32 hex digits, the same from submission to report
 * @param spanId 16 hex digits, new for each step
 */
public record TraceContext(String traceId, String spanId) {

  public static final String HEADER = "traceparent";

  private static final Pattern FORMAT =
      Pattern.compile("[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}");
  private static final SecureRandom RANDOM = new SecureRandom();

  public static TraceContext start() {
    return new TraceContext(hex(16), hex(8));
  }

  /** Same trace, next step. */
  public TraceContext next() {
    return new TraceContext(traceId, hex(8));
  }

  public String traceparent() {
    return "00-" + traceId + "-" + spanId + "-01";
  }

  public static Optional<TraceContext> parse(String traceparent) {
    var matcher = FORMAT.matcher(traceparent == null ? "" : traceparent);
    return matcher.matches()
        ? Optional.of(new TraceContext(matcher.group(1), matcher.group(2)))
        : Optional.empty();
  }

  public static Optional<TraceContext> from(Headers headers) {
    Header header = headers.lastHeader(HEADER);
    return header == null || header.value() == null
        ? Optional.empty()
        : parse(new String(header.value(), StandardCharsets.UTF_8));
  }

  private static String hex(int bytes) {
    byte[] random = new byte[bytes];
    RANDOM.nextBytes(random);
    return HexFormat.of().formatHex(random);
  }
}
