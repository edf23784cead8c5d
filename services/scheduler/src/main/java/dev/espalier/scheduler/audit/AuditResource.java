package dev.espalier.scheduler.audit;

import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.security.Role;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Singleton;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/** Who asked for what: the decisions of the event table, latest first. */
@Singleton
@RolesAllowed(Role.OPERATOR_NAME)
@Path("/api/v1/audit")
@Produces(MediaType.APPLICATION_JSON)
public class AuditResource {

  private static final int MOST = 1_000;

  /** Events of a sweep, or all; of one requester, or all; before an id, for the next page. */
  private static final String DECISIONS =
      """
      select id, recorded_at, requested_by, team, type, stream, version
      from audit
      where (? = '' or stream = 'sweep-' || ? or stream like 'trial-' || ? || '%')
        and (? = '' or requested_by = ?)
        and id < ?
      order by id desc
      limit ?""";

  private final DataSource dataSource;

  AuditResource(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  /**
   * One decision.
   *
   * @param requestedBy a caller, {@code worker:<id>} or {@code scheduler}; null for events from
   *     before this was kept
   */
  public record Decision(
      long id,
      Instant recordedAt,
      String requestedBy,
      String team,
      String type,
      String stream,
      long version) {}

  @GET
  public List<Decision> decisions(
      @QueryParam("sweep") @DefaultValue("") String sweep,
      @QueryParam("requestedBy") @DefaultValue("") String requestedBy,
      @QueryParam("before") @DefaultValue("9223372036854775807") long before,
      @QueryParam("limit") @DefaultValue("100") int limit)
      throws SQLException {
    if (!sweep.matches("[A-Za-z0-9-]{0,64}")) {
      throw Problem.violation("sweep", "the id of a sweep", Problem.shown(sweep));
    }
    if (limit < 1 || limit > MOST) {
      throw Problem.violation("limit", "an integer in [1, %d]".formatted(MOST), "" + limit);
    }
    try (Connection connection = dataSource.getConnection();
        PreparedStatement select = connection.prepareStatement(DECISIONS)) {
      select.setString(1, sweep);
      select.setString(2, sweep);
      select.setString(3, sweep);
      select.setString(4, requestedBy.replace('\0', ' '));
      select.setString(5, requestedBy.replace('\0', ' '));
      select.setLong(6, before);
      select.setInt(7, limit);
      try (ResultSet row = select.executeQuery()) {
        List<Decision> decisions = new ArrayList<>();
        while (row.next()) {
          decisions.add(
              new Decision(
                  row.getLong("id"),
                  row.getObject("recorded_at", OffsetDateTime.class).toInstant(),
                  row.getString("requested_by"),
                  row.getString("team"),
                  row.getString("type"),
                  row.getString("stream"),
                  row.getLong("version")));
        }
        return decisions;
      }
    }
  }
}
