package dev.espalier.scheduler.deadletters;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.TextFormat;
import dev.espalier.messaging.serde.TopicContract;
import java.util.HexFormat;
import java.util.List;

/** A record's value for people: the message as text where it is one, its first bytes otherwise. */
final class LetterText {

  private static final int MOST_BYTES = 1024;

  private static final List<TopicContract<?>> CONTRACTS =
      List.of(
          TopicContract.SWEEP_COMMANDS,
          TopicContract.STAGE_COMMANDS,
          TopicContract.STAGE_REPORTS,
          TopicContract.STAGE_METRICS,
          TopicContract.WORKER_EVENTS,
          TopicContract.SWEEP_EVENTS,
          TopicContract.TRIAL_EVENTS,
          TopicContract.STAGE_EVENTS);

  private LetterText() {}

  static String of(String topic, byte[] value) {
    if (value == null) {
      return "";
    }
    for (TopicContract<?> contract : CONTRACTS) {
      if (contract.topic().equals(topic)) {
        try {
          return TextFormat.printer().printToString(contract.parser().parseFrom(value));
        } catch (InvalidProtocolBufferException e) {
          return hex(value);
        }
      }
    }
    return hex(value);
  }

  private static String hex(byte[] value) {
    int shown = Math.min(value.length, MOST_BYTES);
    String more = value.length > shown ? " and " + (value.length - shown) + " more bytes" : "";
    return HexFormat.ofDelimiter(" ").formatHex(value, 0, shown) + more;
  }
}
