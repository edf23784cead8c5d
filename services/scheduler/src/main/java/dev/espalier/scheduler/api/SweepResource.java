package dev.espalier.scheduler.api;

import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.scheduler.report.HtmlReport;
import dev.espalier.scheduler.report.MarkdownReport;
import dev.espalier.scheduler.report.ResultsJson;
import dev.espalier.scheduler.report.SweepResults;
import dev.espalier.scheduler.report.TrialCsv;
import dev.espalier.scheduler.security.Role;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Singleton;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;

/** Answers questions about sweeps. */
@Singleton
@RolesAllowed(Role.VIEWER_NAME)
@Path("/api/v1")
@Produces(MediaType.APPLICATION_JSON)
public class SweepResource {

  private static final String CSV = "text/csv;charset=utf-8";
  private static final String MARKDOWN = "text/markdown;charset=UTF-8";
  private static final String HTML = "text/html;charset=utf-8";

  private final DataSource dataSource;
  private final SweepReader sweeps;
  private final ResultsReader results;

  SweepResource(DataSource dataSource, ArtifactStore store) {
    this.dataSource = dataSource;
    this.sweeps = new SweepReader(dataSource);
    this.results = new ResultsReader(dataSource, store);
  }

  @GET
  @Path("/sweeps")
  public List<SweepStatus.Line> sweeps() throws SQLException {
    return sweeps.sweeps();
  }

  @GET
  @Path("/sweeps/{id}")
  public SweepStatus status(@PathParam("id") String id) throws SQLException {
    return sweeps.status(id).orElseThrow(() -> Problem.notFound("sweep", id));
  }

  @GET
  @Path("/sweeps/{id}/results")
  public String results(@PathParam("id") String id) throws SQLException {
    return ResultsJson.write(find(id));
  }

  @GET
  @Path("/sweeps/{id}/report.json")
  public Response reportJson(@PathParam("id") String id) throws SQLException {
    return file(MediaType.APPLICATION_JSON, id + ".json", ResultsJson.write(find(id)));
  }

  @GET
  @Path("/sweeps/{id}/report.csv")
  @Produces(CSV)
  public Response reportCsv(@PathParam("id") String id) throws SQLException {
    return file(CSV, id + ".csv", TrialCsv.write(find(id)));
  }

  @GET
  @Path("/sweeps/{id}/report.html")
  @Produces(HTML)
  public String reportHtml(@PathParam("id") String id) throws SQLException {
    return HtmlReport.write(find(id));
  }

  @GET
  @Path("/sweeps/{id}/report.md")
  @Produces(MARKDOWN)
  public Response reportMarkdown(@PathParam("id") String id) throws SQLException {
    return file(MARKDOWN, id + ".md", MarkdownReport.write(find(id)));
  }

  /** The results of the trial's sweep, narrowed to that trial. */
  @GET
  @Path("/trials/{id}")
  public String trial(@PathParam("id") String id) throws SQLException {
    return ResultsJson.write(results.trial(id).orElseThrow(() -> Problem.notFound("trial", id)));
  }

  @GET
  @Path("/methods")
  public List<MethodView> methods() {
    return MethodView.all();
  }

  @GET
  @Path("/status")
  public PlatformStatus platform() throws SQLException {
    return PlatformStatus.read(dataSource);
  }

  @GET
  @Path("/workers")
  public List<WorkerView> workers() throws SQLException {
    return WorkerView.read(dataSource);
  }

  private SweepResults find(String id) throws SQLException {
    return results.results(id).orElseThrow(() -> Problem.notFound("sweep", id));
  }

  /** The id was found in the database, so it is a plain one. */
  private static Response file(String type, String name, String body) {
    return Response.ok(body, type)
        .header("Content-Disposition", "inline; filename=\"" + name + "\"")
        .build();
  }
}
