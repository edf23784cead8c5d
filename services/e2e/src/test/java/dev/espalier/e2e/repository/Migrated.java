package dev.espalier.e2e.repository;

import dev.espalier.testkit.Postgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.sql.DataSource;

/** A new database with the services' tables, made by their migrations in the order of versions. */
public final class Migrated {

  private static final Pattern VERSION = Pattern.compile("V(\\d+)__.*\\.sql");

  private Migrated() {}

  public static DataSource database() throws IOException, SQLException {
    DataSource database = Postgres.shared().newDatabase().dataSource();
    List<Path> migrations = new ArrayList<>();
    for (String module : List.of("eventstore", "scheduler")) {
      Path scripts =
          Repository.root().resolve("services/" + module + "/src/main/resources/db/migration");
      try (Stream<Path> files = Files.list(scripts)) {
        files.forEach(migrations::add);
      }
    }
    migrations.sort(Comparator.comparingInt(Migrated::version));
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      for (Path migration : migrations) {
        statement.execute(Files.readString(migration));
      }
    }
    return database;
  }

  private static int version(Path migration) {
    Matcher name = VERSION.matcher(migration.getFileName().toString());
    if (!name.matches()) {
      throw new IllegalStateException("expected V<number>__<name>.sql but found " + migration);
    }
    return Integer.parseInt(name.group(1));
  }
}
