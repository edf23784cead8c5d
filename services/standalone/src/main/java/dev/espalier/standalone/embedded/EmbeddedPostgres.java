package dev.espalier.standalone.embedded;

import java.nio.file.Path;
import javax.sql.DataSource;

public final class EmbeddedPostgres implements AutoCloseable {

  /**
   * @param dataDir kept between starts
   * @param port of the listener on loopback; 0 takes a free one at the first start
   */
  public EmbeddedPostgres(Path dataDir, int port) {}

  public void start() {
    throw new UnsupportedOperationException();
  }

  public String jdbcUrl() {
    throw new UnsupportedOperationException();
  }

  public DataSource dataSource() {
    throw new UnsupportedOperationException();
  }

  public void stop() {}

  @Override
  public void close() {
    stop();
  }
}
