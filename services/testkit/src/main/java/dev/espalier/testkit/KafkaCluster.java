package dev.espalier.testkit;

import dev.espalier.standalone.embedded.EmbeddedBroker;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The real broker that all tests of a JVM share, started by the first of them. A test that stops it
 * starts it again; topics keep their records, so tests tell theirs apart by key.
 *
 * <pre>{@code @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();}</pre>
 */
public final class KafkaCluster implements BeforeAllCallback {

  private static final KafkaCluster SHARED = new KafkaCluster();

  private EmbeddedBroker broker;

  private KafkaCluster() {}

  public static KafkaCluster shared() {
    return SHARED;
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    start();
  }

  /** Starts the broker if it does not run; on the same port as before. */
  public synchronized void start() {
    if (broker == null) {
      Path dir = TemporaryFiles.directory("espalier-kafka-");
      broker = new EmbeddedBroker(dir, 0);
      Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop-test-broker"));
    }
    broker.start();
  }

  /** Takes the broker away, as an outage does; clients see connections closed. */
  public synchronized void stop() {
    if (broker != null) {
      broker.stop();
    }
  }

  public synchronized String bootstrapServers() {
    if (broker == null) {
      start();
    }
    return broker.bootstrapServers();
  }
}
