package dev.espalier.eventstore;

import dev.espalier.messaging.KafkaSettings;
import io.micrometer.core.instrument.MeterRegistry;
import javax.sql.DataSource;

public final class Relay implements AutoCloseable {

  public Relay(DataSource dataSource, KafkaSettings kafka, MeterRegistry metrics) {}

  public void start() {
    throw new UnsupportedOperationException();
  }

  public RelayHealth health() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
