package dev.espalier.scheduler.retention;

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

/** Collects forgotten artifacts now. Answers when it is done. */
@Singleton
@RolesAllowed(Role.OPERATOR_NAME)
@Path("/api/v1/collection")
@Produces(MediaType.APPLICATION_JSON)
public class CollectionResource {

  private final ArtifactCollector collector;

  CollectionResource(ArtifactCollector collector) {
    this.collector = collector;
  }

  @POST
  public ArtifactCollector.Outcome collect(
      @QueryParam("dryRun") @DefaultValue("false") boolean dryRun) throws SQLException {
    return collector
        .collect(dryRun)
        .orElseThrow(() -> Problem.of(409, "another collection is under way"));
  }
}
