package dev.espalier.messaging.worker;

import dev.espalier.messaging.KafkaSettings;
import io.micrometer.core.instrument.MeterRegistry;

public final class WorkerRuntime implements AutoCloseable {

  public WorkerRuntime(
      WorkerSettings settings,
      KafkaSettings kafka,
      StageExecutor executor,
      MeterRegistry metrics) {}

  /** {@code <service>-<uuid>}, new for every instance. */
  public String workerId() {
    throw new UnsupportedOperationException();
  }

  /** Waits for the broker, takes its place on the command topic and announces the worker. */
  public void start() {
    throw new UnsupportedOperationException();
  }

  public WorkerHealth health() {
    throw new UnsupportedOperationException();
  }

  /** Drains: takes nothing new, checkpoints and gives back what runs, leaves. */
  @Override
  public void close() {}
}
