package dev.espalier.standalone.supervisor;

import dev.espalier.standalone.embedded.EmbeddedBroker;
import java.nio.file.Files;
import java.nio.file.Path;

/** The broker as a process: {@code <data directory> <port> <ready file>}; stops on SIGTERM. */
final class BrokerMain {

  private BrokerMain() {}

  public static void main(String[] arguments) throws Exception {
    EmbeddedBroker broker =
        new EmbeddedBroker(Path.of(arguments[0]), Integer.parseInt(arguments[1]));
    Runtime.getRuntime().addShutdownHook(new Thread(broker::stop, "stop-broker"));
    broker.start();
    Files.writeString(Path.of(arguments[2]), broker.bootstrapServers());
    Thread.currentThread().join();
  }
}
