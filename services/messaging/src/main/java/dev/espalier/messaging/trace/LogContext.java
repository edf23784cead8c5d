package dev.espalier.messaging.trace;

import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.MDC;

/**
 * Puts the ids of the work at hand into every log line of this thread until closed. Closing brings
 * back what was there before.
 */
public final class LogContext implements AutoCloseable {

  public static final String SWEEP = "sweep";
  public static final String TRIAL = "trial";
  public static final String STAGE = "stage";
  public static final String GENERATION = "generation";
  public static final String TRACE = "traceId";

  private final Map<String, String> before = new LinkedHashMap<>();

  private LogContext() {}

  public static LogContext open() {
    return new LogContext();
  }

  public LogContext with(String key, String value) {
    before.putIfAbsent(key, MDC.get(key));
    if (value == null || value.isEmpty()) {
      MDC.remove(key);
    } else {
      MDC.put(key, value);
    }
    return this;
  }

  public LogContext sweep(String id) {
    return with(SWEEP, id);
  }

  public LogContext trial(String id) {
    return with(TRIAL, id);
  }

  public LogContext stage(String id, long generation) {
    return with(STAGE, id).with(GENERATION, Long.toString(generation));
  }

  public LogContext trace(TraceContext trace) {
    return with(TRACE, trace.traceId());
  }

  @Override
  public void close() {
    before.forEach(
        (key, value) -> {
          if (value == null) {
            MDC.remove(key);
          } else {
            MDC.put(key, value);
          }
        });
  }
}
