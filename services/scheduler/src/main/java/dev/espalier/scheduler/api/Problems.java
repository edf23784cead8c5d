package dev.espalier.scheduler.api;

import dev.espalier.artifacts.store.ArtifactException;
import io.quarkus.security.ForbiddenException;
import io.quarkus.security.UnauthorizedException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.UUID;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** Turns exceptions into JSON answers. Clients see no stack trace, only an id that the log has. */
final class Problems {

  private static final Logger LOG = Logger.getLogger(Problems.class);

  @ServerExceptionMapper
  Response refused(Problem problem) {
    return json(problem.status(), problem.body());
  }

  @ServerExceptionMapper
  Response artifact(ArtifactException e) {
    return switch (e.reason()) {
      case BAD_NAME -> json(400, new Problem.Message(e.getMessage()));
      case MISSING -> json(404, new Problem.Message(e.getMessage()));
      case TOO_LARGE -> json(413, new Problem.Message(e.getMessage()));
      case STORE_FULL -> json(507, new Problem.Message(e.getMessage()));
      case CORRUPT, UNAVAILABLE -> unexpected(e);
    };
  }

  @ServerExceptionMapper
  Response forbidden(ForbiddenException e) {
    return json(403, new Problem.Message("your role does not allow this"));
  }

  @ServerExceptionMapper
  Response unauthorized(UnauthorizedException e) {
    return json(401, new Problem.Message("credentials are needed"));
  }

  @ServerExceptionMapper
  Response rest(WebApplicationException e) {
    Response response = e.getResponse();
    if (response.getStatus() >= 500) {
      return unexpected(e);
    }
    return json(
        response.getStatus(),
        new Problem.Message(response.getStatusInfo().getReasonPhrase().toLowerCase()));
  }

  @ServerExceptionMapper
  Response unexpected(Throwable e) {
    String id = UUID.randomUUID().toString();
    LOG.errorf(e, "request failed, error id %s", id);
    return json(500, new Problem.Message("internal error; the scheduler's log has it as " + id));
  }

  private static Response json(int status, Object body) {
    return Response.status(status).type(MediaType.APPLICATION_JSON_TYPE).entity(body).build();
  }
}
