package dev.espalier.scheduler.deadletters;

import dev.espalier.messaging.KafkaSettings;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.sql.DataSource;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * What lies in the dead-letter topics and has not been dealt with. A letter that is replayed goes
 * where it came from, with the event id it had, so that a second replay changes nothing; it is
 * noted as settled only when the broker has it.
 */
public final class DeadLetterOffice {

  /** Of each partition, the latest. */
  private static final int MOST = 1_000;

  private static final String SETTLED =
      "select topic || '/' || partition || '/' || record_offset from dead_letter_settled";

  private static final String SETTLE =
      """
      insert into dead_letter_settled (topic, partition, record_offset, action, settled_by)
      values (?, ?, ?, ?, ?) on conflict do nothing
      """;

  /** What becomes of a letter. */
  public enum Action {
    REPLAYED,
    DISCARDED
  }

  /**
   * A letter and what is in it.
   *
   * @param content the message as protobuf text, or its first bytes in hex
   */
  public record Opened(DeadLetter letter, boolean settled, String content) {}

  private final DataSource dataSource;
  private final DeadLetterTopics topics;

  public DeadLetterOffice(DataSource dataSource, KafkaSettings kafka) {
    this.dataSource = dataSource;
    this.topics = new DeadLetterTopics(kafka);
  }

  /** Letters that nobody has dealt with, oldest first. */
  public List<DeadLetter> open() throws SQLException {
    Set<String> settled = settled();
    List<DeadLetter> open = new ArrayList<>();
    topics.latest(
        MOST,
        (letter, record) -> {
          if (!settled.contains(letter.id())) {
            open.add(letter);
          }
        });
    open.sort(Comparator.comparing(DeadLetter::parkedAt).thenComparing(DeadLetter::id));
    return open;
  }

  /** Empty if nothing lies there. */
  public Optional<Opened> show(String topic, int partition, long offset) throws SQLException {
    Set<String> settled = settled();
    return topics
        .find(topic, partition, offset)
        .map(
            record -> {
              DeadLetter letter = DeadLetterTopics.letter(topic, record);
              return new Opened(
                  letter, settled.contains(letter.id()), LetterText.of(topic, record.value()));
            });
  }

  /** Empty if nothing lies there. */
  public Optional<DeadLetter> settle(
      String topic, int partition, long offset, Action action, String by) throws SQLException {
    Optional<ConsumerRecord<String, byte[]>> record = topics.find(topic, partition, offset);
    if (record.isEmpty()) {
      return Optional.empty();
    }
    if (action == Action.REPLAYED) {
      topics.sendBack(topic, record.get());
    }
    try (Connection connection = dataSource.getConnection();
        PreparedStatement insert = connection.prepareStatement(SETTLE)) {
      insert.setString(1, topic);
      insert.setInt(2, partition);
      insert.setLong(3, offset);
      insert.setString(4, action.name());
      insert.setString(5, by);
      insert.executeUpdate();
    }
    return Optional.of(DeadLetterTopics.letter(topic, record.get()));
  }

  private Set<String> settled() throws SQLException {
    try (Connection connection = dataSource.getConnection();
        PreparedStatement select = connection.prepareStatement(SETTLED);
        ResultSet row = select.executeQuery()) {
      Set<String> ids = new HashSet<>();
      while (row.next()) {
        ids.add(row.getString(1));
      }
      return ids;
    }
  }
}
