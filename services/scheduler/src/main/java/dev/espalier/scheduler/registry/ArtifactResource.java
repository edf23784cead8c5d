package dev.espalier.scheduler.registry;

import static dev.espalier.architecture.files.FileLimits.UPLOAD_BYTES;

import dev.espalier.artifacts.store.Artifact;
import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.security.Role;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Singleton;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;

/** Files in and out of the artifact store, streamed. */
@Singleton
@Path("/api/v1/artifacts")
public class ArtifactResource {

  private final ArtifactStore store;

  ArtifactResource(ArtifactStore store) {
    this.store = store;
  }

  /** What an uploaded file is called. */
  public record Stored(String sha256, long size) {}

  @POST
  @RolesAllowed(Role.SUBMITTER_NAME)
  @Consumes(MediaType.WILDCARD)
  @Produces(MediaType.APPLICATION_JSON)
  public Response upload(@HeaderParam("Content-Length") Long length, InputStream body) {
    if (length != null && length > UPLOAD_BYTES) {
      throw Problem.tooLarge(
          "artifact", "at most %d bytes".formatted(UPLOAD_BYTES), length + " bytes");
    }
    Artifact artifact = store.put(body, MediaTypes.BYTES, UPLOAD_BYTES);
    if (artifact.sizeBytes() == 0) {
      throw Problem.violation("", "the artifact's bytes as body", "an empty body");
    }
    return Response.status(201).entity(new Stored(artifact.sha256(), artifact.sizeBytes())).build();
  }

  @GET
  @RolesAllowed(Role.VIEWER_NAME)
  @Path("/{sha256}")
  @Produces(MediaType.APPLICATION_OCTET_STREAM)
  public Response download(@PathParam("sha256") String sha256) {
    if (!Artifact.isName(sha256)) {
      throw Problem.violation("sha256", "64 lower-case hex digits", Problem.shown(sha256));
    }
    long size = store.size(sha256);
    return Response.ok(store.open(sha256), MediaType.APPLICATION_OCTET_STREAM_TYPE)
        .header("Content-Length", size)
        .build();
  }
}
