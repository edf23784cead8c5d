package dev.espalier.scheduler.deadletters;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.deadletters.DeadLetterOffice.Action;
import dev.espalier.scheduler.deadletters.DeadLetterOffice.Opened;
import dev.espalier.scheduler.security.CurrentCaller;
import dev.espalier.scheduler.security.Role;
import dev.espalier.schemas.Topics;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Singleton;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;

/** Dead letters, for operators: a record may hold whatever somebody sent. */
@Singleton
@RolesAllowed(Role.OPERATOR_NAME)
@Path("/api/v1/dead-letters")
@Produces(MediaType.APPLICATION_JSON)
public class DeadLetterResource {

  private static final String PLACE = "/{topic}/{partition}/{offset}";

  private final DeadLetterOffice office;
  private final CurrentCaller caller;

  DeadLetterResource(DataSource dataSource, KafkaSettings kafka, CurrentCaller caller) {
    this.office = new DeadLetterOffice(dataSource, kafka);
    this.caller = caller;
  }

  @GET
  public List<DeadLetter> open() throws SQLException {
    return office.open();
  }

  @GET
  @Path(PLACE)
  public Opened show(
      @PathParam("topic") String topic,
      @PathParam("partition") int partition,
      @PathParam("offset") long offset)
      throws SQLException {
    check(topic, partition, offset);
    return office
        .show(topic, partition, offset)
        .orElseThrow(() -> missing(topic, partition, offset));
  }

  @POST
  @Path(PLACE + "/replay")
  public DeadLetter replay(
      @PathParam("topic") String topic,
      @PathParam("partition") int partition,
      @PathParam("offset") long offset)
      throws SQLException {
    return settle(topic, partition, offset, Action.REPLAYED);
  }

  @POST
  @Path(PLACE + "/discard")
  public DeadLetter discard(
      @PathParam("topic") String topic,
      @PathParam("partition") int partition,
      @PathParam("offset") long offset)
      throws SQLException {
    return settle(topic, partition, offset, Action.DISCARDED);
  }

  private DeadLetter settle(String topic, int partition, long offset, Action action)
      throws SQLException {
    check(topic, partition, offset);
    return office
        .settle(topic, partition, offset, action, caller.get().name())
        .orElseThrow(() -> missing(topic, partition, offset));
  }

  private static void check(String topic, int partition, long offset) {
    if (!Topics.ALL.contains(topic)) {
      throw Problem.violation("topic", "one of " + Topics.ALL, Problem.shown(topic));
    }
    if (partition < 0 || offset < 0) {
      throw Problem.violation(
          "letter", "a partition and an offset of at least 0", partition + "/" + offset);
    }
  }

  private static Problem missing(String topic, int partition, long offset) {
    return Problem.notFound("dead letter", topic + "/" + partition + "/" + offset);
  }
}
