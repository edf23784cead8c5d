package dev.espalier.scheduler.intake;

import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.intake.SweepIntake.Receipt;
import dev.espalier.scheduler.intake.SweepIntake.Submission;
import dev.espalier.scheduler.security.Caller;
import dev.espalier.scheduler.security.CurrentCaller;
import dev.espalier.scheduler.security.Role;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.schemas.text.SweepText;
import dev.espalier.schemas.text.TextReading;
import dev.espalier.sweep.spec.Violation;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Singleton;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.InputStream;
import java.sql.SQLException;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/** The REST door: sweeps as YAML or JSON. */
@Singleton
@RolesAllowed(Role.SUBMITTER_NAME)
@Path("/api/v1")
@Produces(MediaType.APPLICATION_JSON)
public class IntakeResource {

  /** Read and thrown away, so that a client that sends too much still hears the answer. */
  private static final long MAX_DRAINED = 64L << 20;

  private final SweepIntake intake;
  private final Transactions transactions;
  private final CurrentCaller current;

  IntakeResource(SweepIntake intake, Transactions transactions, CurrentCaller current) {
    this.intake = intake;
    this.transactions = transactions;
    this.current = current;
  }

  @POST
  @Path("/sweeps")
  @Consumes(MediaType.WILDCARD)
  public Response submit(
      @QueryParam("run") String run,
      @QueryParam("team") String team,
      @HeaderParam(TraceContext.HEADER) String traceparent,
      InputStream body)
      throws IOException, SQLException {
    byte[] text = body.readNBytes(SweepText.MAX_BYTES + 1);
    if (text.length > SweepText.MAX_BYTES) {
      drain(body);
      throw Problem.tooLarge("", "at most %d bytes".formatted(SweepText.MAX_BYTES), "more");
    }
    TextReading reading = SweepText.read(text);
    if (!reading.isValid()) {
      throw Problem.violations(
          reading.violations().stream()
              .map(v -> new Violation(v.field(), v.expected(), v.found()))
              .toList());
    }
    Caller caller = current.get();
    String named = team == null ? caller.onlyTeam().orElse(null) : team;
    try {
      Submission submission = intake.read(withTeam(reading.tree(), named), number(run));
      requireTeam(caller, submission.spec().team());
      Cause cause =
          new Cause(
              UUID.randomUUID().toString(),
              caller.name(),
              submission.spec().team(),
              trace(traceparent));
      Receipt receipt =
          transactions
              .call(connection -> intake.accept(connection, submission, cause))
              .unlessDeleted(submission.accepted().run());
      return Response.accepted(receipt).build();
    } catch (RefusedSweep refused) {
      throw Problem.violations(refused.violations());
    }
  }

  private static void requireTeam(Caller caller, String team) {
    if (!caller.mayActFor(team)) {
      throw Problem.of(403, caller.refusal(team));
    }
  }

  private static int number(String run) {
    if (run == null || run.isEmpty()) {
      return 0;
    }
    try {
      return Integer.parseInt(run);
    } catch (NumberFormatException e) {
      throw Problem.violation("run", "an integer from 0", Problem.shown(run));
    }
  }

  /** The team may stand beside the spec, as it does on Kafka. */
  private static Object withTeam(Object tree, String team) {
    if (team == null || !(tree instanceof Map<?, ?> members) || members.containsKey("team")) {
      return tree;
    }
    Map<String, Object> all = new TreeMap<>();
    members.forEach((name, value) -> all.put(String.valueOf(name), value));
    all.put("team", team);
    return all;
  }

  private static TraceContext trace(String traceparent) {
    return TraceContext.parse(traceparent).map(TraceContext::next).orElseGet(TraceContext::start);
  }

  private static void drain(InputStream body) throws IOException {
    byte[] buffer = new byte[1 << 16];
    long drained = 0;
    for (int read = body.read(buffer);
        read >= 0 && drained < MAX_DRAINED;
        read = body.read(buffer)) {
      drained += read;
    }
  }
}
