package dev.espalier.standalone.supervisor;

import dev.espalier.standalone.embedded.EmbeddedPostgres;
import java.nio.file.Files;
import java.nio.file.Path;

/** PostgreSQL as a process: {@code <data directory> <port> <ready file>}; stops on SIGTERM. */
final class PostgresMain {

  private PostgresMain() {}

  public static void main(String[] arguments) throws Exception {
    EmbeddedPostgres postgres =
        new EmbeddedPostgres(Path.of(arguments[0]), Integer.parseInt(arguments[1]));
    Runtime.getRuntime().addShutdownHook(new Thread(postgres::stop, "stop-postgres"));
    postgres.start();
    Files.writeString(Path.of(arguments[2]), postgres.jdbcUrl());
    Thread.currentThread().join();
  }
}
