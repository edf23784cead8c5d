package dev.espalier.scheduler.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.testkit.Postgres;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.exception.FlywayValidateException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class MigrationsTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private final DataSource database = POSTGRES.newDatabase().dataSource();
  private final Flyway flyway = Flyway.configure().dataSource(database).load();

  @Test
  void aSchedulerThatAwaitsThemChangesNothingAndNamesWhatIsMissing() {
    assertThatThrownBy(() -> Migrations.AWAIT.bring(flyway))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("V1, V2");
    assertThat(flyway.info().applied()).isEmpty();

    Flyway.configure().dataSource(database).target("30").load().migrate();
    assertThatThrownBy(() -> Migrations.AWAIT.bring(flyway)).hasMessageContaining("V80");

    Migrations.ONLY.bring(flyway);
    assertThatCode(() -> Migrations.AWAIT.bring(flyway)).doesNotThrowAnyException();
    assertThat(flyway.info().pending()).isEmpty();
  }

  @Test
  void tablesOfAnotherProgramAreNotWaitedFor() throws Exception {
    Migrations.APPLY.bring(flyway);
    try (var connection = database.getConnection();
        var statement = connection.createStatement()) {
      statement.execute("update flyway_schema_history set checksum = 1 where version = '2'");
    }

    assertThatThrownBy(() -> Migrations.AWAIT.bring(flyway))
        .isInstanceOf(FlywayValidateException.class);
  }

  @Test
  void aNewerSchemaDoesNotKeepAnOlderSchedulerFromStarting() throws Exception {
    Migrations.APPLY.bring(flyway);
    try (var connection = database.getConnection();
        var statement = connection.createStatement()) {
      statement.execute(
          """
          insert into flyway_schema_history
          select installed_rank + 1000, '9999', 'later', type, 'V9999__later.sql', 5,
            installed_by, installed_on, 1, true
          from flyway_schema_history where version = '2'""");
    }

    assertThatCode(() -> Migrations.AWAIT.bring(flyway)).doesNotThrowAnyException();
  }
}
