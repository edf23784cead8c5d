package dev.espalier.scheduler.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.artifacts.store.DirectoryArtifactStore;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.standalone.embedded.EmbeddedBroker;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import dev.espalier.testkit.Postgres;
import io.agroal.api.AgroalDataSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * First the database, then the store: whatever runs meanwhile, each output that the copy of the
 * database names is in the copy of the store, because a worker stores a file before it speaks of
 * it. A scheduler on both copies, with an empty broker and other workers, ends the sweep.
 */
class BackupOrderTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final String LABEL = "backed-up";
  private static final String SWEEP = "ba".repeat(8);
  private static final int TRIALS = 6;

  /** What the operator is told to run, from the text that tells it. */
  private static final Pattern PUBLISH_AGAIN =
      Pattern.compile("## Backup.*?```sql\\n(.*?)```", Pattern.DOTALL);

  @TempDir private Path directory;

  /** A database, a broker and a store. */
  private record Site(AgroalDataSource database, EmbeddedBroker broker, Path files)
      implements AutoCloseable {

    static Site create(Path directory) {
      AgroalDataSource database = TestPlatform.pool(POSTGRES.newDatabase().jdbcUrl(), 40);
      Flyway.configure().dataSource(database).load().migrate();
      EmbeddedBroker broker = new EmbeddedBroker(directory.resolve("broker"), 0);
      broker.start();
      TopicAdmin.createAll(KafkaSettings.of(broker.bootstrapServers()), Duration.ofSeconds(30));
      return new Site(database, broker, directory.resolve("store"));
    }

    SchedulerRuntime scheduler() {
      SchedulerRuntime scheduler =
          TestPlatform.replica(
              database, KafkaSettings.of(broker.bootstrapServers()), TestPlatform.LEASE);
      scheduler.start();
      return scheduler;
    }

    /** Stores a file, then speaks of it. */
    FakeWorker worker() {
      ArtifactStore store = new DirectoryArtifactStore(files);
      return TestPlatform.worker(broker.bootstrapServers(), LABEL)
          .duration(assignment -> Duration.ofMillis(150))
          .script(
              (command, assignment) -> {
                String content = "of " + command.getStageId() + UUID.randomUUID();
                store.put(content.getBytes(StandardCharsets.UTF_8), MediaTypes.MODEL);
                return new Ending.Success(Map.of("result", content), Map.of("top1_accuracy", 0.5));
              })
          .build()
          .start();
    }

    List<String> outputs() throws SQLException {
      return column("select sha256 from stage_output");
    }

    List<String> column(String sql) throws SQLException {
      try (var connection = database.getConnection();
          var statement = connection.createStatement();
          ResultSet rows = statement.executeQuery(sql)) {
        List<String> column = new ArrayList<>();
        while (rows.next()) {
          column.add(rows.getString(1));
        }
        return column;
      }
    }

    void awaitOutputs(int least) {
      Eventually.within(
          TestPlatform.SOON, () -> assertThat(outputs()).hasSizeGreaterThanOrEqualTo(least));
    }

    @Override
    public void close() {
      database.close();
      broker.stop();
    }
  }

  @Test
  void theDatabaseFirstThenTheStoreIsAWholeSweepAndTheOtherWayRoundIsNot() throws Exception {
    Path early = directory.resolve("early");
    Path late = directory.resolve("restored/store");
    DatabaseCopy database;
    try (Site site = Site.create(directory.resolve("original"));
        SchedulerRuntime scheduler = site.scheduler();
        FakeWorker worker = site.worker()) {
      submit(scheduler.sweeps());
      site.awaitOutputs(3);
      copy(site.files(), early);
      site.awaitOutputs(7);
      database = DatabaseCopy.of(site.database());
      site.awaitOutputs(10);
      copy(site.files(), late);
    }

    try (Site site = Site.create(directory.resolve("restored"))) {
      database.restore(site.database());
      List<String> named = site.outputs();
      assertThat(named).hasSizeBetween(7, 3 * TRIALS);
      assertThat(site.column("select state from sweep")).containsExactly("RUNNING");
      assertThat(missing(named, late)).as("the store copied after the database").isEmpty();
      assertThat(missing(named, early)).as("the store copied before it").isNotEmpty();

      publishAgain(site);
      try (SchedulerRuntime scheduler = site.scheduler();
          FakeWorker worker = site.worker()) {
        Eventually.within(
            TestPlatform.SOON,
            () -> assertThat(site.column("select state from sweep")).containsExactly("COMPLETED"));
      }
      assertThat(site.outputs()).hasSize(1 + 3 * TRIALS).containsAll(named);
      assertThat(missing(site.outputs(), late)).isEmpty();
    }
  }

  private static void submit(SweepStreams sweeps) throws SQLException {
    sweeps.decide(
        SWEEP,
        new SweepCommand.Accept(LabelledPlanning.accepted(LABEL, TRIALS)),
        TestPlatform.cause());
  }

  private static void publishAgain(Site site) throws Exception {
    Path root = Path.of("").toAbsolutePath();
    while (!Files.exists(root.resolve("deploy/README.md"))) {
      root = root.getParent();
    }
    Matcher sql = PUBLISH_AGAIN.matcher(Files.readString(root.resolve("deploy/README.md")));
    assertThat(sql.find()).as("the statement in deploy/README.md").isTrue();
    try (var connection = site.database().getConnection();
        var statement = connection.createStatement()) {
      assertThat(statement.executeUpdate(sql.group(1))).isPositive();
    }
  }

  private static List<String> missing(List<String> named, Path files) {
    ArtifactStore store = new DirectoryArtifactStore(files);
    return named.stream().filter(sha256 -> !store.contains(sha256)).toList();
  }

  /** As rsync does: a file that is gone by the time it is read is left out. */
  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path file : all.toList()) {
        Path target = to.resolve(from.relativize(file));
        try {
          if (Files.isDirectory(file)) {
            Files.createDirectories(target);
          } else {
            Files.copy(file, target);
          }
        } catch (NoSuchFileException e) {
          // Half-written files come and go.
        }
      }
    }
  }
}
