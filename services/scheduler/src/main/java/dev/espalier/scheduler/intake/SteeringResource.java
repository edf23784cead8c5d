package dev.espalier.scheduler.intake;

import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.api.SweepReader;
import dev.espalier.scheduler.api.SweepStatus;
import dev.espalier.scheduler.security.Caller;
import dev.espalier.scheduler.security.CurrentCaller;
import dev.espalier.scheduler.security.Role;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.TrialCommand;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Singleton;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.sql.SQLException;
import java.util.UUID;
import javax.sql.DataSource;

/** Steers sweeps and trials by REST; who may submit for a team may steer what is the team's. */
@Singleton
@RolesAllowed(Role.SUBMITTER_NAME)
@Path("/api/v1")
@Consumes(MediaType.WILDCARD)
@Produces(MediaType.APPLICATION_JSON)
public class SteeringResource {

  private final Steering steering;
  private final Transactions transactions;
  private final SweepReader sweeps;
  private final CurrentCaller current;

  SteeringResource(
      Steering steering, Transactions transactions, DataSource dataSource, CurrentCaller current) {
    this.steering = steering;
    this.transactions = transactions;
    this.sweeps = new SweepReader(dataSource);
    this.current = current;
  }

  @POST
  @Path("/sweeps/{id}/pause")
  public SweepStatus.Line pause(@PathParam("id") String id) throws SQLException {
    return steer(id, new SweepCommand.Pause());
  }

  @POST
  @Path("/sweeps/{id}/resume")
  public SweepStatus.Line resume(@PathParam("id") String id) throws SQLException {
    return steer(id, new SweepCommand.Resume());
  }

  @POST
  @Path("/sweeps/{id}/cancel")
  public SweepStatus.Line cancel(
      @PathParam("id") String id, @QueryParam("reason") @DefaultValue("") String reason)
      throws SQLException {
    return steer(id, new SweepCommand.Cancel(storable(reason)));
  }

  /** 409 for a sweep that has not ended. */
  @DELETE
  @Path("/sweeps/{id}")
  public void delete(@PathParam("id") String id) throws SQLException {
    Cause cause = cause(id);
    transactions.run(
        connection -> {
          try {
            steering.delete(connection, id, cause);
          } catch (RefusedSweep e) {
            throw Problem.of(409, e.getMessage());
          }
        });
  }

  @POST
  @Path("/sweeps/{id}/trials/{trial}/pause")
  public SweepStatus.TrialLine pauseTrial(
      @PathParam("id") String id, @PathParam("trial") String trial) throws SQLException {
    return steer(id, trial, new TrialCommand.Pause());
  }

  @POST
  @Path("/sweeps/{id}/trials/{trial}/resume")
  public SweepStatus.TrialLine resumeTrial(
      @PathParam("id") String id, @PathParam("trial") String trial) throws SQLException {
    return steer(id, trial, new TrialCommand.Resume());
  }

  @POST
  @Path("/sweeps/{id}/trials/{trial}/cancel")
  public SweepStatus.TrialLine cancelTrial(
      @PathParam("id") String id,
      @PathParam("trial") String trial,
      @QueryParam("reason") @DefaultValue("") String reason)
      throws SQLException {
    return steer(id, trial, new TrialCommand.Cancel(storable(reason)));
  }

  private SweepStatus.Line steer(String id, SweepCommand command) throws SQLException {
    Cause cause = cause(id);
    transactions.run(connection -> steering.steer(connection, id, command, cause));
    return sweeps.sweep(id).orElseThrow();
  }

  private SweepStatus.TrialLine steer(String id, String trial, TrialCommand command)
      throws SQLException {
    Cause cause = cause(id);
    transactions.run(
        connection -> {
          try {
            steering.steer(connection, id, trial, command, cause);
          } catch (RefusedSweep e) {
            throw Problem.notFound("trial", trial);
          }
        });
    return sweeps.trial(trial).orElseThrow();
  }

  /** Refuses whoever may not act for the sweep's team. */
  private Cause cause(String id) throws SQLException {
    String team =
        sweeps
            .sweep(id)
            .map(SweepStatus.Line::team)
            .orElseThrow(() -> Problem.notFound("sweep", id));
    Caller caller = current.get();
    if (!caller.mayActFor(team)) {
      throw Problem.of(403, caller.refusal(team));
    }
    return new Cause(UUID.randomUUID().toString(), caller.name(), team, TraceContext.start());
  }

  private static String storable(String reason) {
    String shortened = reason.length() <= 500 ? reason : reason.substring(0, 500);
    return shortened.replace('\0', ' ');
  }
}
