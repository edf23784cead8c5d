package dev.espalier.scheduler.replay;

import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.security.Role;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Singleton;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.sql.SQLException;
import javax.sql.DataSource;

/** Holds the tables against the events, or builds them again. Answers when it is done. */
@Singleton
@RolesAllowed(Role.OPERATOR_NAME)
@Path("/api/v1/replay")
@Produces(MediaType.APPLICATION_JSON)
public class ReplayResource {

  private final Replay replay;

  ReplayResource(DataSource dataSource) {
    this.replay = new Replay(dataSource);
  }

  @POST
  public ReplayOutcome replay(@QueryParam("rebuild") @DefaultValue("false") boolean rebuild)
      throws SQLException {
    return (rebuild ? replay.rebuild() : replay.compare())
        .orElseThrow(() -> Problem.of(409, "another replay is under way"));
  }
}
