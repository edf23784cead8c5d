package dev.espalier.messaging.serde;

import build.buf.protovalidate.Config;
import build.buf.protovalidate.ValidationResult;
import build.buf.protovalidate.Validator;
import build.buf.protovalidate.ValidatorFactory;
import build.buf.protovalidate.Violation;
import build.buf.protovalidate.exceptions.ValidationException;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import dev.espalier.messaging.serde.UnreadableRecord.Reason;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.StageCommand;
import dev.espalier.schemas.stage.v1.StageEvent;
import dev.espalier.schemas.stage.v1.StageMetrics;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.sweep.v1.SweepCommand;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.schemas.trial.v1.TrialEvent;
import dev.espalier.schemas.worker.v1.WorkerEvent;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * What travels on a topic: one message type, its key and its rules. Bytes become messages here and
 * nowhere else.
 *
 * @param topic name of the topic
 * @param parser reads the message type
 * @param key record key of a message
 * @param eventId identity of a message, for inbox and logs
 */
public record TopicContract<M extends Message>(
    String topic, Parser<M> parser, Function<M, String> key, Function<M, String> eventId) {

  public static final TopicContract<SweepCommand> SWEEP_COMMANDS =
      new TopicContract<>(
          Topics.SWEEP_COMMANDS,
          SweepCommand.parser(),
          SweepCommand::getEventId,
          SweepCommand::getEventId);

  public static final TopicContract<StageCommand> STAGE_COMMANDS =
      new TopicContract<>(
          Topics.STAGE_COMMANDS,
          StageCommand.parser(),
          StageCommand::getWorkerId,
          StageCommand::getEventId);

  public static final TopicContract<StageReport> STAGE_REPORTS =
      new TopicContract<>(
          Topics.STAGE_REPORTS,
          StageReport.parser(),
          StageReport::getStageId,
          StageReport::getEventId);

  public static final TopicContract<StageMetrics> STAGE_METRICS =
      new TopicContract<>(
          Topics.STAGE_METRICS,
          StageMetrics.parser(),
          StageMetrics::getStageId,
          StageMetrics::getEventId);

  public static final TopicContract<WorkerEvent> WORKER_EVENTS =
      new TopicContract<>(
          Topics.WORKER_EVENTS,
          WorkerEvent.parser(),
          WorkerEvent::getWorkerId,
          WorkerEvent::getEventId);

  public static final TopicContract<SweepEvent> SWEEP_EVENTS =
      new TopicContract<>(
          Topics.SWEEP_EVENTS, SweepEvent.parser(), SweepEvent::getSweepId, SweepEvent::getEventId);

  public static final TopicContract<TrialEvent> TRIAL_EVENTS =
      new TopicContract<>(
          Topics.TRIAL_EVENTS, TrialEvent.parser(), TrialEvent::getTrialId, TrialEvent::getEventId);

  public static final TopicContract<StageEvent> STAGE_EVENTS =
      new TopicContract<>(
          Topics.STAGE_EVENTS, StageEvent.parser(), StageEvent::getStageId, StageEvent::getEventId);

  /** Written by the relay alone, from what {@link #encode} has let through. */
  private static final Set<String> FACTS =
      Set.of(Topics.SWEEP_EVENTS, Topics.TRIAL_EVENTS, Topics.STAGE_EVENTS);

  // Compiling the rules of a message type costs milliseconds, checking one costs microseconds; by
  // CEL alone they took more than half of the time in which a large sweep is planned.
  private static final Validator VALIDATOR =
      ValidatorFactory.newBuilder()
          .withConfig(Config.newBuilder().setEnableNativeRules(true).build())
          .build();

  /**
   * Reads and checks one record value. A fact was checked before it was appended, and whoever folds
   * its stream takes it as it is: to check it for each reader takes thirty times as long as to read
   * it.
   *
   * @throws UnreadableRecord naming what was wrong
   */
  public M decode(byte[] value) throws UnreadableRecord {
    if (value == null || value.length == 0) {
      throw new UnreadableRecord(
          Reason.EMPTY, "expected a message on " + topic + " but found none");
    }
    M message;
    try {
      message = parser.parseFrom(value);
    } catch (InvalidProtocolBufferException e) {
      throw new UnreadableRecord(
          Reason.UNPARSABLE, "expected a message of " + topic + " but " + e.getMessage(), e);
    }
    if (eventTypeOf(message).isEmpty()) {
      throw new UnreadableRecord(
          Reason.UNKNOWN_TYPE,
          "expected a known event on " + topic + " but none is set (a newer writer?)");
    }
    List<String> violations = FACTS.contains(topic) ? List.of() : violationsOf(message);
    if (!violations.isEmpty()) {
      throw new UnreadableRecord(Reason.INVALID, String.join("; ", violations));
    }
    return message;
  }

  /**
   * Checks and writes a message.
   *
   * @throws IllegalArgumentException if the message breaks its contract: a defect of the writer
   */
  public byte[] encode(M message) {
    List<String> violations = violationsOf(message);
    if (!violations.isEmpty()) {
      throw new IllegalArgumentException(
          "a message for " + topic + " breaks its contract: " + String.join("; ", violations));
    }
    return message.toByteArray();
  }

  /**
   * Name of the case that is set in the message's oneof, such as {@code stage_succeeded}; the
   * message's own name where it has no oneof; empty if none is set.
   */
  public static String eventTypeOf(Message message) {
    List<OneofDescriptor> cases = message.getDescriptorForType().getRealOneofs();
    if (cases.isEmpty()) {
      return message
          .getDescriptorForType()
          .getName()
          .replaceAll("(?<=[a-z])(?=[A-Z])", "_")
          .toLowerCase(Locale.ROOT);
    }
    FieldDescriptor set = message.getOneofFieldDescriptor(cases.get(0));
    return set == null ? "" : set.getName();
  }

  private static List<String> violationsOf(Message message) {
    ValidationResult result;
    try {
      result = VALIDATOR.validate(message);
    } catch (ValidationException e) {
      throw new IllegalStateException(
          "the rules of " + message.getDescriptorForType().getFullName() + " do not compile", e);
    }
    return result.getViolations().stream()
        .map(TopicContract::describe)
        .limit(20)
        .collect(Collectors.toList());
  }

  private static String describe(Violation violation) {
    build.buf.validate.Violation found = violation.toProto();
    String path =
        found.getField().getElementsList().stream()
            .map(
                element ->
                    element.hasIndex()
                        ? element.getFieldName() + "[" + element.getIndex() + "]"
                        : element.getFieldName())
            .collect(Collectors.joining("."));
    return path.isEmpty() ? found.getMessage() : path + ": " + found.getMessage();
  }
}
