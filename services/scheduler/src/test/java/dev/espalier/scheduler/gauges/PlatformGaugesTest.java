package dev.espalier.scheduler.gauges;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.eventstore.Transactions;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.Postgres;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class PlatformGaugesTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

  @Test
  void countsWhatWaitsAndWhatRunsAndHowOldTheOutboxIs() throws Exception {
    DataSource dataSource = migrated();
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement()) {
      statement.execute(
          """
          insert into stage (stage_id, kind, algorithm, algorithm_version, device_kind, seed, team,
            spec, state, sweep_id, held, requested_at, runnable_at, retry_at)
          select id, kind, 'x', 1, 'cpu', 0, 't', '', state, 's', held, now(),
            now() - interval '1 minute', retry_at
          from (values ('a', 'FINETUNE', 'RUNNABLE', false, null),
            ('held', 'FINETUNE', 'RUNNABLE', true, null),
            ('backs off', 'FINETUNE', 'RUNNABLE', false, now() + interval '1 hour'),
            ('b', 'EVALUATE', 'RUNNING', false, null)) v(id, kind, state, held, retry_at)""");
      statement.execute(
          """
          insert into worker (worker_id, partition, service, state, slots, device_kind, device,
            host, engine_version, software_version, joined_at, heartbeat_at)
          values ('w', 1, 'trainer', 'ACTIVE', 3, 'cpu', 'd', 'h', '', '', now(), now()),
            ('gone', 1, 'trainer', 'LOST', 3, 'cpu', 'd', 'h', '', '', now(), now())""");
      statement.execute(
          """
          insert into lease (stage_id, lease_id, generation, worker_id, sweep_id, trial_id, alone,
            assigned_at, until, progress_at)
          values ('b', gen_random_uuid(), 1, 'w', 's', 't', false, now(), now(), now())""");
      statement.execute(
          """
          insert into event (stream, version, event_id, type, payload, topic, key, occurred_at,
            recorded_at)
          values ('s', 1, gen_random_uuid(), 't', '', 'x', 'k', now(), now() - interval '30 s')""");
    }

    new PlatformGauges(new Transactions(dataSource), metrics).read();

    assertThat(value("espalier.stages.runnable", "stage", "finetune")).isEqualTo(1);
    assertThat(value("espalier.stages.runnable.oldest.age", "stage", "finetune"))
        .isBetween(60.0, 120.0);
    assertThat(value("espalier.stages.runnable", "stage", "search")).isZero();
    assertThat(value("espalier.stages.running", "stage", "evaluate")).isEqualTo(1);
    assertThat(value("espalier.slots", "pool", "trainer")).isEqualTo(3);
    assertThat(value("espalier.slots.busy", "pool", "trainer")).isEqualTo(1);
    assertThat(value("espalier.workers.alive", "pool", "trainer")).isEqualTo(1);
    assertThat(metrics.get("espalier.outbox.oldest.age").gauge().value()).isBetween(30.0, 90.0);
  }

  @Test
  void whatTheDatabaseDoesNotTellIsAbsentAndComesBack() throws Exception {
    DataSource dataSource = migrated();
    try (PlatformGauges gauges = new PlatformGauges(new Transactions(dataSource), metrics)) {
      gauges.read();
      assertThat(metrics.find("espalier.outbox.oldest.age").gauge()).isNotNull();
      rename(dataSource, "event", "elsewhere");
      gauges.start();
      Eventually.within(
          Duration.ofSeconds(30),
          () -> assertThat(metrics.find("espalier.outbox.oldest.age").gauge()).isNull());
      assertThat(metrics.find("espalier.stages.runnable").gauge()).isNull();
      rename(dataSource, "elsewhere", "event");
      Eventually.within(
          Duration.ofSeconds(30),
          () -> assertThat(metrics.find("espalier.outbox.oldest.age").gauge()).isNotNull());
    }
  }

  private double value(String name, String tag, String value) {
    return metrics.get(name).tag(tag, value).gauge().value();
  }

  private static void rename(DataSource dataSource, String from, String to) throws SQLException {
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement()) {
      statement.execute("alter table " + from + " rename to " + to);
    }
  }

  private static DataSource migrated() {
    DataSource dataSource = Postgres.shared().newDatabase().dataSource();
    Flyway.configure().dataSource(dataSource).load().migrate();
    return dataSource;
  }
}
