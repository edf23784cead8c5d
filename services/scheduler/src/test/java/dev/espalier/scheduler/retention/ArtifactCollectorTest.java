package dev.espalier.scheduler.retention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.artifacts.store.DirectoryArtifactStore;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.testkit.Postgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

class ArtifactCollectorTest {

  private static final Duration GRACE = Duration.ofHours(24);

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  @TempDir Path root;
  private final PGSimpleDataSource database = new PGSimpleDataSource();
  private DirectoryArtifactStore store;
  private ArtifactCollector collector;
  private volatile Instant now = Instant.now();

  @BeforeEach
  void openAnEmptyInstallation() {
    database.setUrl(POSTGRES.newDatabase().jdbcUrl());
    Flyway.configure().dataSource(database).load().migrate();
    store = new DirectoryArtifactStore(root);
    collector = new ArtifactCollector(database, store, GRACE, () -> now);
  }

  @Test
  void removesWhatNobodyRefersToAfterTwoGraces() throws Exception {
    String forgotten = put("forgotten");
    String output = put("output");
    Files.setLastModifiedTime(file(forgotten), FileTime.from(now));
    refer(output);

    assertThat(collect()).isEqualTo(outcome(2, 15, 1, 1, 0, 0, 0));
    now = now.plus(GRACE).plusSeconds(1);
    assertThat(collect()).as("first found").isEqualTo(outcome(2, 15, 1, 0, 1, 0, 0));
    now = now.plus(GRACE).minusSeconds(1);
    assertThat(collect()).as("within the grace").isEqualTo(outcome(2, 15, 1, 0, 1, 0, 0));
    now = now.plusSeconds(1);
    ArtifactCollector.Outcome promised = collector.collect(true).orElseThrow();
    assertThat(store.contains(forgotten)).as("a dry run").isTrue();
    assertThat(collect()).isEqualTo(outcome(2, 15, 1, 0, 0, 1, 9));

    assertThat(promised.removed()).isEqualTo(1);
    assertThat(promised.removedBytes()).isEqualTo(9);
    assertThat(store.contains(forgotten)).isFalse();
    assertThat(store.contains(output)).isTrue();
    assertThat(collect()).isEqualTo(outcome(1, 6, 1, 0, 0, 0, 0));
    assertThat(tombstones()).isZero();
  }

  @Test
  void aDefectInOnePassDoesNotEndTheJob() throws Exception {
    CountDownLatch passes = new CountDownLatch(2);
    ArtifactCollector faulty =
        new ArtifactCollector(
            database,
            store,
            GRACE,
            () -> {
              passes.countDown();
              throw new IllegalStateException("a defect");
            });
    try (CollectionJob job = new CollectionJob(faulty, Duration.ofMillis(20))) {
      job.start();
      assertThat(passes.await(30, TimeUnit.SECONDS)).as("a second pass").isTrue();
    }
  }

  @Test
  void aTouchOrAReferenceStartsTheGraceAnew() throws Exception {
    String touched = put("touched");
    String referred = put("referred");
    age(touched);
    age(referred);
    collect();
    assertThat(tombstones()).isEqualTo(2);
    now = now.plus(GRACE);
    Files.setLastModifiedTime(file(touched), FileTime.from(now));
    refer(referred);

    assertThat(collect().removed()).isZero();
    assertThat(tombstones()).isZero();
    drop(referred);
    now = now.plus(GRACE).plusSeconds(1);

    assertThat(collect().waiting()).as("both are found for the first time").isEqualTo(2);
    assertThat(store.contains(touched) && store.contains(referred)).isTrue();
  }

  @Test
  void keepsTheCheckpointOfAStageThatMayGoOn() throws Exception {
    String running = put("checkpoint of a running attempt");
    String done = put("checkpoint of a stage that has succeeded");
    stage("running", "RUNNING", running);
    stage("done", "SUCCEEDED", done);
    age(running);
    age(done);

    collect();
    now = now.plus(GRACE);
    collect();

    assertThat(store.contains(running)).isTrue();
    assertThat(store.contains(done)).isFalse();
  }

  /** Workers write and report while passes remove what lay there before. */
  @Test
  void neverTakesWhatIsWrittenAgainAndReferredToMeanwhile() throws Exception {
    ExecutorService writers = Executors.newFixedThreadPool(2);
    try {
      for (int round = 0; round < 25; round++) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
          names.add(put("round " + round + " file " + i));
          age(names.get(i));
        }
        now = Instant.now();
        collect();
        makeDue();
        CyclicBarrier together = new CyclicBarrier(3);
        List<Future<?>> reports = new ArrayList<>();
        for (int writer = 0; writer < 2; writer++) {
          int first = writer * 4;
          int of = round;
          reports.add(
              writers.submit(
                  () -> {
                    together.await();
                    for (int i = first; i < first + 4; i++) {
                      refer(put("round " + of + " file " + i));
                    }
                    return null;
                  }));
        }
        together.await();
        collect();
        for (Future<?> report : reports) {
          report.get();
        }
        collect();
        assertThat(names).as("round %d", round).allMatch(store::contains);
      }
    } finally {
      writers.shutdownNow();
    }
  }

  @Test
  void onePassAtATime() throws Exception {
    try (Connection other = database.getConnection();
        PreparedStatement lock =
            other.prepareStatement("select pg_advisory_lock(" + 0x45737061_6c676363L + ")")) {
      lock.execute();
      assertThat(collector.collect(false)).isEqualTo(Optional.empty());
    }
    assertThat(collector.collect(false)).isPresent();
  }

  @Test
  void refusesToCollectWithoutAGrace() {
    assertThatThrownBy(() -> new ArtifactCollector(database, store, Duration.ZERO, () -> now))
        .hasMessageContaining("espalier.collection.grace")
        .hasMessageContaining("PT0S");
  }

  private ArtifactCollector.Outcome collect() throws SQLException {
    return collector.collect(false).orElseThrow();
  }

  private static ArtifactCollector.Outcome outcome(
      long artifacts, long bytes, long used, long young, long waiting, long gone, long goneBytes) {
    return new ArtifactCollector.Outcome(
        false, artifacts, bytes, used, young, waiting, gone, goneBytes);
  }

  private String put(String text) {
    return store.put(text.getBytes(StandardCharsets.UTF_8), MediaTypes.BYTES).sha256();
  }

  private Path file(String sha256) {
    return root.resolve(sha256.substring(0, 2)).resolve(sha256);
  }

  private void age(String sha256) throws IOException {
    Files.setLastModifiedTime(
        file(sha256), FileTime.from(now.minus(GRACE).minus(Duration.ofDays(1))));
  }

  private void refer(String sha256) throws SQLException {
    run(
        "insert into stage_output (stage_id, name, sha256, size_bytes, media_type)"
            + " values (?, 'model', ?, 1, 'x')",
        "stage of " + sha256,
        sha256);
  }

  private void drop(String sha256) throws SQLException {
    run("delete from stage_output where sha256 = ?", sha256);
  }

  private void makeDue() throws SQLException {
    run("update artifact_tombstone set found_at = found_at - interval '2 days'");
  }

  private void stage(String name, String state, String checkpoint) throws SQLException {
    run(
        """
        insert into stage (stage_id, kind, algorithm, algorithm_version, device_kind, seed, team,
          spec, state, requested_at, checkpoint)
        values (?, 'FINETUNE', 'finetune', 1, 'cpu', 1, 'a', '', ?, now(), ?)""",
        name,
        state,
        ArtifactRef.newBuilder().setSha256(checkpoint).build().toByteArray());
  }

  private long tombstones() throws SQLException {
    try (Connection connection = database.getConnection();
        var rows =
            connection.createStatement().executeQuery("select count(*) from artifact_tombstone")) {
      rows.next();
      return rows.getLong(1);
    }
  }

  private void run(String sql, Object... values) throws SQLException {
    try (Connection connection = database.getConnection();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      statement.executeUpdate();
    }
  }
}
