package dev.espalier.messaging.topics;

import dev.espalier.messaging.KafkaSettings;
import java.time.Duration;

/** Creates the topics. */
public final class TopicAdmin {

  private TopicAdmin() {}

  /**
   * Waits for the broker and creates every topic and its dead-letter topic that is not there yet.
   * Any number of processes may do so at once.
   *
   * @throws IllegalStateException if no broker answered in time, naming it
   */
  public static void createAll(KafkaSettings kafka, Duration limit) {
    throw new UnsupportedOperationException();
  }
}
