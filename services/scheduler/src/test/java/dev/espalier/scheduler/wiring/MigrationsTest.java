package dev.espalier.scheduler.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.espalier.testkit.Postgres;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.exception.FlywayValidateException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

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
        .isInstanceOf(FlywayValidateException.class)
        .satisfies(failure -> assertThat(Migrations.mayPass((RuntimeException) failure)).isFalse());
  }

  @Test
  void aMigrationThatCannotBeAppliedIsNotTriedForEver(@TempDir Path scripts) throws Exception {
    Files.writeString(scripts.resolve("V1__broken.sql"), "create table broken (n no_such_type);");
    assertThat(mayPass(scripts)).as("SQL that the database refuses").isFalse();

    Files.writeString(scripts.resolve("V1__twice.sql"), "select 1;");
    assertThat(mayPass(scripts)).as("two migrations of one version").isFalse();
  }

  @Test
  void aDatabaseThatDoesNotAnswerIsWaitedFor() {
    PGSimpleDataSource away = new PGSimpleDataSource();
    away.setUrl("jdbc:postgresql://127.0.0.1:1/espalier");
    Flyway waiting = Flyway.configure().dataSource(away).load();

    assertThat(Migrations.mayPass(failure(waiting))).isTrue();
    assertThat(Migrations.mayPass(new IllegalStateException("V2 is missing"))).isTrue();
  }

  private boolean mayPass(Path scripts) {
    return Migrations.mayPass(
        failure(
            Flyway.configure()
                .dataSource(POSTGRES.newDatabase().dataSource())
                .locations("filesystem:" + scripts)
                .load()));
  }

  private static RuntimeException failure(Flyway flyway) {
    return catchThrowableOfType(RuntimeException.class, () -> Migrations.APPLY.bring(flyway));
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
