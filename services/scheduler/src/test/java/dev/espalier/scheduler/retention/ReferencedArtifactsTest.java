package dev.espalier.scheduler.retention;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.testkit.Postgres;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Set;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class ReferencedArtifactsTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private Connection connection;

  @BeforeEach
  void openAnEmptyDatabase() throws SQLException {
    String url = POSTGRES.newDatabase().jdbcUrl();
    Flyway.configure().dataSource(url, null, null).load().migrate();
    connection = DriverManager.getConnection(url);
  }

  @AfterEach
  void close() throws SQLException {
    connection.close();
  }

  @Test
  void namesWhatIsRegisteredWhatSweepsBeganWithAndWhatStagesMade() throws SQLException {
    run(
        """
        insert into model (name, sha256, size_bytes, architecture) values ('vit', 'm2', 1, '{}');
        insert into dataset (name, sha256, size_bytes, summary) values ('images', 'd2', 1, '{}');
        insert into sweep (sweep_id, team, name, state, run, canonical_spec_json, model_sha256,
          dataset_sha256, cells, trials, accepted_at)
        values ('s', 'a', 's', 'COMPLETED', 0, '{}', 'm1', 'd1', 1, 1, now());
        insert into stage_output (stage_id, name, sha256, size_bytes, media_type)
        values ('g', 'model', 'o1', 1, 'x')""");

    assertThat(ReferencedArtifacts.all(connection))
        .as("models that a name stood for when a sweep was accepted stay, too")
        .containsExactlyInAnyOrder("m1", "m2", "d1", "d2", "o1");
    assertThat(ReferencedArtifacts.among(connection, List.of("d1", "lost", "m2", "o1", "other")))
        .containsExactlyInAnyOrder("d1", "m2", "o1");
  }

  @Test
  void namesTheCheckpointOfAStageUntilItHasSucceeded() throws SQLException {
    stage("running", "RUNNING");
    stage("cancelled", "CANCELLED");
    stage("done", "SUCCEEDED");

    Set<String> kept = Set.of(digest("running"), digest("cancelled"));
    assertThat(ReferencedArtifacts.all(connection)).isEqualTo(kept);
    assertThat(
            ReferencedArtifacts.among(
                connection, List.of(digest("done"), digest("running"), digest("cancelled"))))
        .isEqualTo(kept);
    assertThat(ReferencedArtifacts.among(connection, List.of(digest("done")))).isEmpty();
  }

  private void run(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String digest(String name) {
    return "digest of " + name;
  }

  private void stage(String name, String state) throws SQLException {
    String sql =
        """
        insert into stage (stage_id, kind, algorithm, algorithm_version, device_kind, seed, team,
          spec, state, requested_at, checkpoint)
        values (?, 'FINETUNE', 'finetune', 1, 'cpu', 1, 'a', '', ?, now(), ?)""";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, name);
      statement.setString(2, state);
      statement.setBytes(3, ArtifactRef.newBuilder().setSha256(digest(name)).build().toByteArray());
      statement.executeUpdate();
    }
  }
}
