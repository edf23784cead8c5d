package dev.espalier.standalone.embedded;

import java.nio.file.Path;

public final class EmbeddedBroker implements AutoCloseable {

  /**
   * @param dataDir kept between starts
   * @param port of the listener on loopback; 0 takes a free one at the first start
   */
  public EmbeddedBroker(Path dataDir, int port) {}

  public void start() {
    throw new UnsupportedOperationException();
  }

  public String bootstrapServers() {
    throw new UnsupportedOperationException();
  }

  public void stop() {}

  @Override
  public void close() {
    stop();
  }
}
