package dev.espalier.scheduler.intake;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.scheduler.intake.SweepIntake.Receipt;
import dev.espalier.scheduler.intake.SweepIntake.Submission;
import dev.espalier.scheduler.security.Access;
import dev.espalier.scheduler.security.Caller;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.schemas.sweep.v1.SubmitSweep;
import dev.espalier.schemas.sweep.v1.SweepCommand;
import dev.espalier.schemas.text.SweepProto;
import dev.espalier.sweep.lifecycle.TrialCommand;
import dev.espalier.sweep.spec.Violation;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * The Kafka door: takes requests off {@code sweep.commands.v1}.
 *
 * <p>A request carries a token of the issuer in its header {@code authorization}; the token says
 * who asks. Only the embedded installation, whose broker listens on loopback, takes requests
 * without.
 *
 * <p><b>Order</b>: any; requests may come with any key or none, and each stands for itself.
 * <b>Delivery</b>: at least once; the event id is stored in the transaction that acts on it, so a
 * repeat changes nothing. <b>Failure</b>: bytes that do not parse go to the dead letters; a request
 * that says something wrong is answered with {@code SweepRejected}, in a stream of its own that
 * names the request's event id; a database outage is waited out.
 */
public final class SweepCommandConsumer {

  static final String NAME = "intake";

  private static final Logger LOG = Logger.getLogger(SweepCommandConsumer.class);

  /** Stands for the sender of a request that no valid token came with. */
  private static final String UNKNOWN = "unknown";

  private static final int MAX_VIOLATIONS = 100;

  private final Transactions transactions;
  private final Inbox inbox;
  private final SweepIntake intake;
  private final Steering steering;
  private final SweepStreams sweeps;
  private final Access access;

  public SweepCommandConsumer(
      Transactions transactions,
      Inbox inbox,
      SweepIntake intake,
      Steering steering,
      SweepStreams sweeps,
      Access access) {
    this.transactions = transactions;
    this.inbox = inbox;
    this.intake = intake;
    this.steering = steering;
    this.sweeps = sweeps;
    this.access = access;
  }

  public void handle(ConsumedRecord<SweepCommand> record) throws SQLException {
    // Before the transaction, because the issuer's keys may have to be fetched.
    Optional<Caller> caller = access.byToken(record.authorization());
    transactions.run(
        connection -> {
          if (inbox.firstSeen(connection, NAME, record.eventId(), record.payload())) {
            act(connection, record, caller);
          }
        });
  }

  private void act(
      Connection connection, ConsumedRecord<SweepCommand> record, Optional<Caller> token)
      throws SQLException {
    SweepCommand command = record.message();
    Cause cause =
        new Cause(
            command.getEventId(),
            requestedBy(command, token),
            storable(command.getTeam()),
            record.trace());
    try {
      Caller caller = token.orElseThrow(() -> new RefusedSweep(noToken(record)));
      requireOwnName(command, caller);
      switch (command.getCommandCase()) {
        case SUBMIT_SWEEP -> submit(connection, command, caller, cause);
        case PAUSE_SWEEP ->
            steer(
                connection,
                command.getPauseSweep().getSweepId(),
                new dev.espalier.sweep.lifecycle.SweepCommand.Pause(),
                caller,
                cause);
        case RESUME_SWEEP ->
            steer(
                connection,
                command.getResumeSweep().getSweepId(),
                new dev.espalier.sweep.lifecycle.SweepCommand.Resume(),
                caller,
                cause);
        case CANCEL_SWEEP ->
            steer(
                connection,
                command.getCancelSweep().getSweepId(),
                new dev.espalier.sweep.lifecycle.SweepCommand.Cancel(
                    shortened(command.getCancelSweep().getReason())),
                caller,
                cause);
        case DELETE_SWEEP -> {
          String id = storable(command.getDeleteSweep().getSweepId());
          steering.delete(connection, id, forTeamOf(connection, id, caller, cause));
        }
        case PAUSE_TRIAL ->
            steer(
                connection,
                command.getPauseTrial().getSweepId(),
                command.getPauseTrial().getTrialId(),
                new TrialCommand.Pause(),
                caller,
                cause);
        case RESUME_TRIAL ->
            steer(
                connection,
                command.getResumeTrial().getSweepId(),
                command.getResumeTrial().getTrialId(),
                new TrialCommand.Resume(),
                caller,
                cause);
        case CANCEL_TRIAL ->
            steer(
                connection,
                command.getCancelTrial().getSweepId(),
                command.getCancelTrial().getTrialId(),
                new TrialCommand.Cancel(shortened(command.getCancelTrial().getReason())),
                caller,
                cause);
        case COMMAND_NOT_SET ->
            throw new RefusedSweep(new Violation("command", "a known command", "none"));
      }
    } catch (RefusedSweep refused) {
      LOG.infof("refused command %s: %s", command.getEventId(), refused.getMessage());
      sweeps.reject(connection, command.getEventId(), wire(refused.violations()), cause);
    }
  }

  private void submit(Connection connection, SweepCommand command, Caller caller, Cause cause)
      throws RefusedSweep, SQLException {
    SubmitSweep submit = command.getSubmitSweep();
    refuseUnknown("submitSweep", submit);
    String team = command.getTeam().isEmpty() ? caller.onlyTeam().orElse("") : command.getTeam();
    Submission submission = intake.read(SweepProto.tree(submit.getSpec(), team), submit.getRun());
    requireTeam(caller, submission.spec().team());
    Cause accepted =
        new Cause(cause.eventId(), cause.requestedBy(), submission.spec().team(), cause.trace());
    Receipt receipt =
        intake.accept(connection, submission, accepted).unlessDeleted(submit.getRun());
    LOG.infof(
        "%s sweep %s of %d trials",
        receipt.attached() ? "attached to" : "accepted", receipt.sweepId(), receipt.trials());
  }

  /** Who the events will say asked; a name without a token is worth nothing on a network. */
  private String requestedBy(SweepCommand command, Optional<Caller> token) {
    String claimed = storable(command.getRequestedBy());
    if (access.isLocal() && !claimed.isEmpty()) {
      return claimed;
    }
    return token.map(Caller::name).orElse(UNKNOWN);
  }

  private static Violation noToken(ConsumedRecord<SweepCommand> record) {
    return new Violation(
        "header authorization",
        "\"Bearer \" and a token of the issuer that is valid now",
        record.authorization() == null ? "none" : "something else");
  }

  private void requireOwnName(SweepCommand command, Caller caller) throws RefusedSweep {
    String claimed = command.getRequestedBy();
    if (!access.isLocal() && !claimed.isEmpty() && !claimed.equals(caller.name())) {
      throw new RefusedSweep(
          new Violation("requestedBy", "the token's name or nothing", shortened(claimed)));
    }
  }

  private void steer(
      Connection connection,
      String sweepId,
      dev.espalier.sweep.lifecycle.SweepCommand command,
      Caller caller,
      Cause cause)
      throws RefusedSweep, SQLException {
    String id = storable(sweepId);
    steering.steer(connection, id, command, forTeamOf(connection, id, caller, cause));
  }

  private void steer(
      Connection connection,
      String sweepId,
      String trialId,
      TrialCommand command,
      Caller caller,
      Cause cause)
      throws RefusedSweep, SQLException {
    String id = storable(sweepId);
    steering.steer(
        connection, id, storable(trialId), command, forTeamOf(connection, id, caller, cause));
  }

  /** The sweep's team, not the one that the sender names, is the one concerned. */
  private Cause forTeamOf(Connection connection, String sweepId, Caller caller, Cause cause)
      throws RefusedSweep, SQLException {
    String team = steering.team(connection, sweepId);
    requireTeam(caller, team);
    return new Cause(cause.eventId(), cause.requestedBy(), team, cause.trace());
  }

  private static void requireTeam(Caller caller, String team) throws RefusedSweep {
    if (!caller.mayActFor(team)) {
      throw new RefusedSweep(
          new Violation("team", "a team that the caller may act for", caller.refusal(team)));
    }
  }

  /** Text that a database takes: a NUL in it would make this record fail for ever. */
  private static String storable(String text) {
    return text.replace('\0', '\uFFFD');
  }

  private static String shortened(String text) {
    String clean = storable(text);
    return clean.length() <= 500 ? clean : clean.substring(0, 500);
  }

  /** Leaving out what a newer client asked for would run another sweep than the one it means. */
  private static void refuseUnknown(String path, Message message) throws RefusedSweep {
    for (int number : message.getUnknownFields().asMap().keySet()) {
      throw new RefusedSweep(
          new Violation(
              path,
              "the fields of " + message.getDescriptorForType().getFullName(),
              "unknown field number " + number));
    }
    for (var field : message.getAllFields().entrySet()) {
      String name = path + "." + field.getKey().getJsonName();
      if (field.getValue() instanceof Message inner) {
        refuseUnknown(name, inner);
      } else if (field.getKey().isRepeated()
          && field.getKey().getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
        List<?> elements = (List<?>) field.getValue();
        for (int i = 0; i < elements.size(); i++) {
          refuseUnknown(name + "[" + i + "]", (Message) elements.get(i));
        }
      }
    }
  }

  private static List<dev.espalier.schemas.sweep.v1.Violation> wire(List<Violation> violations) {
    return violations.stream()
        .limit(MAX_VIOLATIONS)
        .map(
            violation ->
                dev.espalier.schemas.sweep.v1.Violation.newBuilder()
                    .setField(violation.field())
                    .setExpected(violation.expected())
                    .setFound(violation.found())
                    .build())
        .toList();
  }
}
