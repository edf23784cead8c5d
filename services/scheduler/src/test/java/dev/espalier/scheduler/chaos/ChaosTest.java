package dev.espalier.scheduler.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.schemas.Topics;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.Postgres;
import io.agroal.api.AgroalDataSource;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * A sweep of many cells on the real broker, the real database and two real schedulers, while
 * workers, schedulers and the broker are killed as {@code kill -9} does, and workers freeze and
 * come back with reports that nobody waits for any more. A printed seed draws who dies; when is
 * drawn from how far the sweep is, so that the kills spread over all of it.
 *
 * <p>Sizes are system properties: {@code mvn test -pl services/scheduler -Dtest=ChaosTest
 * -Despalier.chaos.cells=1000 -Despalier.chaos.kills=30}, with {@code -Despalier.chaos.seed=N} to
 * draw the same kills again and {@code -Despalier.chaos.minutes=60} for the long form of 10,000.
 */
class ChaosTest {

  private static final int CELLS = Integer.getInteger("espalier.chaos.cells", 100);
  private static final int KILLS = Integer.getInteger("espalier.chaos.kills", 6);
  private static final int WORKERS = Integer.getInteger("espalier.chaos.workers", 6);
  private static final Duration LIMIT =
      Duration.ofMinutes(Integer.getInteger("espalier.chaos.minutes", 6));

  /** One search for all, then prune, finetune and evaluate for each cell. */
  private static final int STAGES = 1 + 3 * CELLS;

  /** A frozen worker is given work for one lease, and loses it within another. */
  private static final Duration FROZEN = Parts.LEASE.multipliedBy(2);

  private static final String LABEL = "chaos";

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  @TempDir private Path directory;

  private enum Victim {
    WORKER,
    SCHEDULER,
    BROKER
  }

  private final Map<String, Integer> killed = new HashMap<>();

  /** Frozen workers, and since when. */
  private final Map<FakeWorker, Long> frozen = new HashMap<>();

  private final long began = System.nanoTime();
  private AgroalDataSource database;

  @Test
  void givesEachCellOneResultWhoeverDies() throws Exception {
    long seed = Long.getLong("espalier.chaos.seed", new Random().nextInt(1_000_000));
    System.out.printf("chaos: seed %d, %d cells, %d kills%n", seed, CELLS, KILLS);
    Postgres.Database fresh = POSTGRES.newDatabase();
    database = TestPlatform.pool(fresh.jdbcUrl(), 4);
    Flyway.configure().dataSource(database).load().migrate();
    try (Parts parts = new Parts(directory, LABEL, fresh.jdbcUrl())) {
      parts.startBroker();
      TopicAdmin.createAll(KafkaSettings.of(parts.bootstrapServers()), Duration.ofSeconds(30));
      parts.startSchedulersAndWorkers(WORKERS);
      String sweep = submit();
      try {
        wreakHavoc(parts, new Random(seed));
        Eventually.within(
            LIMIT,
            () -> {
              wakeTheForgotten();
              assertThat(count("select succeeded from sweep where sweep_id = '" + sweep + "'"))
                  .isEqualTo(CELLS);
              assertThat(frozen).as("workers whose leases have not ended").isEmpty();
              assertThat(count("select count(*) from event where published_at is null")).isZero();
            });
        everyCellHasOneResult();
        lateReportsChangedNothing();
        onlyKilledWorkWasRepeated(parts.silences());
        assertThat(deadLetters(parts.bootstrapServers())).as("dead letters").isEmpty();
      } catch (AssertionError e) {
        throw new AssertionError(
            "seed %d: %s%n%s".formatted(seed, e.getMessage(), String.join("\n", parts.tails())), e);
      }
    } finally {
      System.out.printf(
          "chaos: seed %d, killed %s, %d stages, attempts %s, %d stale, %d s%n",
          seed,
          killed,
          count("select count(*) from stage where state = 'SUCCEEDED'"),
          column(
              "select outcome || coalesce(' ' || cause_code, '') || ' ' || count(*) from attempt"
                  + " group by outcome, cause_code order by 1"),
          count("select count(*) from stale_report"),
          seconds());
      database.close();
    }
  }

  private String submit() throws SQLException {
    String id = "c".repeat(16);
    new SweepStreams(new EventStore(), new Transactions(database))
        .decide(
            id,
            new SweepCommand.Accept(LabelledPlanning.accepted(LABEL, CELLS)),
            TestPlatform.cause());
    return id;
  }

  /** One freeze at the beginning, and the kills where the sweep reaches their share of its way. */
  private void wreakHavoc(Parts parts, Random random) throws SQLException {
    List<Victim> victims = victims(random);
    awaitDone(STAGES / 20);
    freeze(parts, random);
    for (int i = 0; i < victims.size(); i++) {
      awaitDone((int) (STAGES * (i + 0.5) / (victims.size() + 1)));
      Victim victim = victims.get(i);
      killed.merge(victim.name().toLowerCase(Locale.ROOT), 1, Integer::sum);
      System.out.printf("chaos: after %d s kills a %s%n", seconds(), victim);
      switch (victim) {
        case WORKER -> parts.killWorker(thawed(parts, random));
        case SCHEDULER -> parts.killScheduler(random.nextInt(Parts.SCHEDULERS));
        case BROKER -> parts.killBroker();
      }
      if (random.nextInt(6) == 0) {
        freeze(parts, random);
      }
    }
  }

  private long seconds() {
    return Duration.ofNanos(System.nanoTime() - began).toSeconds();
  }

  /** Each part as often as the others, in an order of chance. */
  private static List<Victim> victims(Random random) {
    List<Victim> victims = new ArrayList<>();
    while (victims.size() < KILLS) {
      List<Victim> round = new ArrayList<>(List.of(Victim.values()));
      Collections.shuffle(round, random);
      victims.addAll(round);
    }
    return victims.subList(0, KILLS);
  }

  private void awaitDone(int stages) {
    Eventually.within(
        LIMIT,
        () -> {
          wakeTheForgotten();
          assertThat(count("select count(*) from stage where state = 'SUCCEEDED'"))
              .isGreaterThanOrEqualTo(stages);
        });
  }

  private int thawed(Parts parts, Random random) {
    int number = random.nextInt(WORKERS);
    while (frozen.containsKey(parts.workers().get(number))) {
      number = (number + 1) % WORKERS;
    }
    return number;
  }

  private void freeze(Parts parts, Random random) {
    if (frozen.size() >= WORKERS / 3) {
      return;
    }
    FakeWorker worker = parts.workers().get(thawed(parts, random));
    Eventually.within(LIMIT, () -> assertThat(worker.holds()).isPositive());
    worker.silence(true);
    frozen.put(worker, System.nanoTime());
    killed.merge("frozen", 1, Integer::sum);
  }

  /** A frozen worker comes back when others have its work, and says what it had to say. */
  private void wakeTheForgotten() throws SQLException {
    for (FakeWorker worker : List.copyOf(frozen.keySet())) {
      boolean longAgo = System.nanoTime() - frozen.get(worker) > FROZEN.toNanos();
      if (longAgo
          && count("select count(*) from lease where worker_id = '" + worker.workerId() + "'")
              == 0) {
        worker.silence(false);
        frozen.remove(worker);
      }
    }
  }

  private void everyCellHasOneResult() throws SQLException {
    assertThat(column("select state || ' ' || count(*) from trial group by state"))
        .containsExactly("SUCCEEDED " + CELLS);
    assertThat(column("select stream from event where type = 'trial_succeeded'"))
        .hasSize(CELLS)
        .doesNotHaveDuplicates();
    assertThat(column("select stream from event where type = 'stage_succeeded'"))
        .hasSize(STAGES)
        .doesNotHaveDuplicates();
    assertThat(column("select stream from event where type = 'sweep_completed'")).hasSize(1);
    assertThat(count("select count(*) from lease")).isZero();
  }

  /**
   * What is accepted comes from the attempt that held the lease, and late reports are on record.
   */
  private void lateReportsChangedNothing() throws SQLException {
    assertThat(count("select count(*) from stale_report")).as("stale reports").isPositive();
    assertThat(count("select count(*) from event where type = 'stale_report_rejected'"))
        .isGreaterThanOrEqualTo(count("select count(*) from stale_report"));
    List<String> accepted = column("select stage_id || ' ' || sha256 from stage_output");
    Set<String> held =
        column("select stage_id || ' by ' || lease_id from attempt where outcome = 'SUCCEEDED'")
            .stream()
            .map(
                output ->
                    output.substring(0, output.indexOf(' '))
                        + ' '
                        + FakeWorker.artifact(output).getSha256())
            .collect(Collectors.toSet());
    assertThat(accepted).hasSize(STAGES).isSubsetOf(held);
  }

  /**
   * Death of a scheduler or of the broker costs no attempt; a worker's costs what it held, and so
   * does a silence of one lease on a machine that is too busy.
   */
  private void onlyKilledWorkWasRepeated(int silences) throws SQLException {
    int workers = killed.getOrDefault("worker", 0) + killed.getOrDefault("frozen", 0);
    assertThat(count("select count(*) from attempt where outcome <> 'SUCCEEDED'"))
        .as("attempts beyond those of killed and frozen workers, and of %d silences", silences)
        .isLessThanOrEqualTo((workers + silences) * Parts.SLOTS + STAGES / 100);
  }

  private int count(String sql) throws SQLException {
    return Integer.parseInt(column(sql).get(0));
  }

  private List<String> column(String sql) throws SQLException {
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

  /** Records in each dead-letter topic that is not empty. */
  private static Map<String, Long> deadLetters(String bootstrapServers) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers))) {
      Set<String> topics = Topics.ALL.stream().map(Topics::deadLetters).collect(Collectors.toSet());
      Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
      for (var topic : admin.describeTopics(topics).allTopicNames().get().entrySet()) {
        topic
            .getValue()
            .partitions()
            .forEach(
                partition ->
                    ends.put(
                        new TopicPartition(topic.getKey(), partition.partition()),
                        OffsetSpec.latest()));
      }
      Map<String, Long> records = new HashMap<>();
      for (var end : admin.listOffsets(ends).all().get().entrySet()) {
        if (end.getValue().offset() > 0) {
          records.merge(end.getKey().topic(), end.getValue().offset(), Long::sum);
        }
      }
      return records;
    }
  }
}
