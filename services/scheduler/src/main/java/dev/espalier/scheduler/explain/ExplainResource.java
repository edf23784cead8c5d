package dev.espalier.scheduler.explain;

import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.security.Role;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Singleton;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.sql.SQLException;
import javax.sql.DataSource;

/** Answers why a trial is where it is. */
@Singleton
@RolesAllowed(Role.VIEWER_NAME)
@Path("/api/v1/trials/{id}/explanation")
@Produces(MediaType.APPLICATION_JSON)
public class ExplainResource {

  private final TrialExplainer explainer;

  ExplainResource(DataSource dataSource) {
    this.explainer = new TrialExplainer(dataSource);
  }

  @GET
  public Explanation explain(@PathParam("id") String id) throws SQLException {
    if (id.indexOf('\0') >= 0) {
      throw Problem.notFound("trial", id);
    }
    return explainer.explain(id).orElseThrow(() -> Problem.notFound("trial", id));
  }
}
