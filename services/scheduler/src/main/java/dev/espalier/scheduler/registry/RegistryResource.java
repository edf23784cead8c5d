package dev.espalier.scheduler.registry;

import com.fasterxml.jackson.annotation.JsonRawValue;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.store.Artifact;
import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.registry.Registry.Kind;
import dev.espalier.scheduler.security.Caller;
import dev.espalier.scheduler.security.CurrentCaller;
import dev.espalier.scheduler.security.Role;
import dev.espalier.sweep.spec.SweepSpecReader;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Singleton;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import javax.sql.DataSource;

/** Registers models and datasets under names, after a look into their files. */
@Singleton
@RolesAllowed(Role.VIEWER_NAME)
@Path("/api/v1")
@Produces(MediaType.APPLICATION_JSON)
public class RegistryResource {

  private static final String NAME_RULE =
      "1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit";
  private static final int MAX_BODY = 16 << 10;
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private final Registry registry;
  private final ArtifactStore store;
  private final CurrentCaller caller;

  RegistryResource(DataSource dataSource, ArtifactStore store, CurrentCaller caller) {
    this.registry = new Registry(dataSource);
    this.store = store;
    this.caller = caller;
  }

  /**
   * A registered model.
   *
   * @param params parameters
   * @param macs multiply-accumulates for one image
   */
  public record Model(
      String name,
      String sha256,
      long sizeBytes,
      long params,
      long macs,
      @JsonRawValue String architecture,
      Instant createdAt) {}

  /** A registered dataset. */
  public record Dataset(
      String name,
      String sha256,
      long sizeBytes,
      @JsonRawValue String summary,
      Instant createdAt) {}

  @GET
  @Path("/models")
  public List<Model> models() throws SQLException {
    return registry.all(Kind.MODEL).stream().map(RegistryResource::model).toList();
  }

  @GET
  @Path("/models/{name}")
  public Model model(@PathParam("name") String name) throws SQLException {
    return model(find(Kind.MODEL, name));
  }

  @PUT
  @RolesAllowed(Role.SUBMITTER_NAME)
  @Path("/models/{name}")
  @Consumes(MediaType.WILDCARD)
  public Response putModel(
      @PathParam("name") String name,
      @QueryParam("replace") @DefaultValue("false") boolean replace,
      InputStream body)
      throws SQLException, IOException {
    Registry.Outcome outcome = register(Kind.MODEL, name, replace, body);
    return answer(outcome, model(find(Kind.MODEL, name)));
  }

  @GET
  @Path("/datasets")
  public List<Dataset> datasets() throws SQLException {
    return registry.all(Kind.DATASET).stream().map(RegistryResource::dataset).toList();
  }

  @GET
  @Path("/datasets/{name}")
  public Dataset dataset(@PathParam("name") String name) throws SQLException {
    return dataset(find(Kind.DATASET, name));
  }

  @PUT
  @RolesAllowed(Role.SUBMITTER_NAME)
  @Path("/datasets/{name}")
  @Consumes(MediaType.WILDCARD)
  public Response putDataset(
      @PathParam("name") String name,
      @QueryParam("replace") @DefaultValue("false") boolean replace,
      InputStream body)
      throws SQLException, IOException {
    Registry.Outcome outcome = register(Kind.DATASET, name, replace, body);
    return answer(outcome, dataset(find(Kind.DATASET, name)));
  }

  private Registry.Outcome register(Kind kind, String name, boolean replace, InputStream body)
      throws SQLException, IOException {
    if (!SweepSpecReader.NAME.matcher(name).matches()) {
      throw Problem.violation("name", NAME_RULE, Problem.shown(name));
    }
    Caller asking = caller.get();
    if (replace && !asking.may(Role.OPERATOR)) {
      // Sweeps of every team may use the name.
      throw Problem.of(403, "only an operator may replace what is registered");
    }
    String sha256 = artifactOf(body.readNBytes(MAX_BODY + 1));
    if (!store.touch(sha256)) { // from now on no collector takes it
      throw Problem.violation("artifact", "an artifact in the store", sha256);
    }
    long size = store.size(sha256);
    String description;
    try (InputStream file = new BufferedInputStream(store.open(sha256), 1 << 16)) {
      description =
          switch (kind) {
            case MODEL -> ModelFile.check(file, size).toJson();
            case DATASET -> DatasetFile.summary(file);
          };
    } catch (InvalidArtifact e) {
      throw Problem.violation("artifact", e.expected(), Problem.shown(e.found()));
    } catch (MalformedFileException e) {
      throw Problem.violation("artifact", "a sound model file", e.getMessage());
    }
    Registry.Outcome outcome = registry.register(kind, name, sha256, size, description, replace);
    if (outcome == Registry.Outcome.CONFLICT) {
      throw Problem.of(
          409,
          "%s %s is registered with other bytes; ask for replace=true to replace it"
              .formatted(kind.noun(), name));
    }
    return outcome;
  }

  private static String artifactOf(byte[] body) {
    if (body.length > MAX_BODY) {
      throw Problem.tooLarge("", "at most %d bytes".formatted(MAX_BODY), "more");
    }
    JsonNode node;
    try {
      node = JSON.readTree(body);
    } catch (JsonProcessingException e) {
      node = null;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    if (node == null || !node.isObject()) {
      throw Problem.violation(
          "", "a JSON object such as {\"artifact\": \"<sha256>\"}", "something else");
    }
    String sha256 = node.path("artifact").asText("");
    if (!Artifact.isName(sha256)) {
      throw Problem.violation(
          "artifact",
          "64 lower-case hex digits",
          sha256.isEmpty() ? "none" : Problem.shown(sha256));
    }
    return sha256;
  }

  private Registry.Entry find(Kind kind, String name) throws SQLException {
    return registry.find(kind, name).orElseThrow(() -> Problem.notFound(kind.noun(), name));
  }

  private static Response answer(Registry.Outcome outcome, Object entity) {
    return Response.status(outcome == Registry.Outcome.CREATED ? 201 : 200).entity(entity).build();
  }

  private static Model model(Registry.Entry entry) {
    Cost cost = Cost.of(VitArchitecture.fromJson(entry.description()));
    return new Model(
        entry.name(),
        entry.sha256(),
        entry.sizeBytes(),
        cost.params(),
        cost.macs(),
        entry.description(),
        entry.createdAt());
  }

  private static Dataset dataset(Registry.Entry entry) {
    return new Dataset(
        entry.name(), entry.sha256(), entry.sizeBytes(), entry.description(), entry.createdAt());
  }
}
