package dev.espalier.scheduler.retention;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * Which files of the artifact store somebody still needs: registered models and datasets, those
 * that kept sweeps were accepted with, outputs of kept stages, and the last checkpoint of a stage
 * that has not succeeded. Whatever else lies in the store may go once it is old enough that no
 * worker can still be about to report it.
 *
 * <p>Whoever deletes asks {@link #among} again in the transaction that decides it. What is not
 * referenced cannot be reused without being written, and so touched, again: a stage whose outputs
 * are to go has no row any more.
 */
public final class ReferencedArtifacts {

  private static final String NAMED =
      """
      select sha256 from model
      union select sha256 from dataset
      union select model_sha256 from sweep
      union select dataset_sha256 from sweep
      union select sha256 from stage_output
      """;

  private static final String AMONG =
      """
      select d.sha256 from unnest(?::text[]) d (sha256)
       where exists (select from model m where m.sha256 = d.sha256)
          or exists (select from dataset m where m.sha256 = d.sha256)
          or exists (select from sweep s where d.sha256 in (s.model_sha256, s.dataset_sha256))
          or exists (select from stage_output o where o.sha256 = d.sha256)
      """;

  private static final String CHECKPOINTS =
      """
      select stage_id, checkpoint from stage
       where checkpoint is not null and state <> 'SUCCEEDED'
      """;

  private ReferencedArtifacts() {}

  /** All of them: 64 lower-case hex digits each. */
  public static Set<String> all(Connection connection) throws SQLException {
    Set<String> digests = checkpoints(connection);
    try (PreparedStatement statement = connection.prepareStatement(NAMED)) {
      add(statement, digests);
    }
    return digests;
  }

  /** Those of these digests that are referenced, as the connection's transaction sees it. */
  public static Set<String> among(Connection connection, Collection<String> digests)
      throws SQLException {
    Set<String> referenced = checkpoints(connection);
    referenced.retainAll(Set.copyOf(digests));
    try (PreparedStatement statement = connection.prepareStatement(AMONG)) {
      statement.setArray(1, connection.createArrayOf("text", digests.toArray()));
      add(statement, referenced);
    }
    return referenced;
  }

  private static void add(PreparedStatement statement, Set<String> digests) throws SQLException {
    try (ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        digests.add(rows.getString(1));
      }
    }
  }

  private static Set<String> checkpoints(Connection connection) throws SQLException {
    Set<String> digests = new HashSet<>();
    try (PreparedStatement statement = connection.prepareStatement(CHECKPOINTS);
        ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        digests.add(ArtifactRef.parseFrom(rows.getBytes("checkpoint")).getSha256());
      }
      return digests;
    } catch (InvalidProtocolBufferException e) {
      throw new SQLException("expected a reference to a checkpoint in stage.checkpoint", e);
    }
  }
}
