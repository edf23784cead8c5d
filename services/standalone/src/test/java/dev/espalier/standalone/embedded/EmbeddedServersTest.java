package dev.espalier.standalone.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedServersTest {

  @TempDir(cleanup = CleanupMode.ALWAYS)
  Path dir;

  @Test
  void brokerKeepsItsTopicsAndPortOverARestart() throws Exception {
    try (var broker = new EmbeddedBroker(dir, 0)) {
      broker.start();
      String address = broker.bootstrapServers();
      try (Admin admin = admin(address)) {
        admin.createTopics(List.of(new NewTopic("kept", 2, (short) 1))).all().get();
      }
      broker.stop();
      broker.start();
      assertThat(broker.bootstrapServers()).isEqualTo(address);
      try (Admin admin = admin(address)) {
        assertThat(admin.listTopics().names().get()).contains("kept");
      }
    }
  }

  @Test
  void postgresKeepsItsRowsOverARestartAndIsDurable() throws Exception {
    try (var postgres = new EmbeddedPostgres(dir, 0)) {
      postgres.start();
      execute(postgres, "create table kept (n int)");
      execute(postgres, "insert into kept values (42)");
      assertThat(query(postgres, "show fsync")).isEqualTo("on");
      assertThat(query(postgres, "show synchronous_commit")).isEqualTo("on");
      postgres.stop();
      postgres.start();
      assertThat(query(postgres, "select n from kept")).isEqualTo("42");
    }
  }

  @Test
  void anotherServerAtThePortIsNotTakenForOurs() {
    try (var first = new EmbeddedPostgres(dir.resolve("first"), 0)) {
      first.start();
      try (var second = new EmbeddedPostgres(dir.resolve("second"), first.port())) {
        assertThatThrownBy(second::start)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContainingAll(
                "127.0.0.1:" + first.port(),
                "over " + dir.resolve("second"),
                "works over " + dir.resolve("first"));
      }
    }
  }

  @Test
  void postgresTakesOverFromAKilledProcessAndStopsWithItsParent() throws Exception {
    Process killed = child();
    assertThat(readyLine(killed)).contains("jdbc.url=");
    long firstServer = serverPid();
    killed.destroyForcibly().waitFor();
    assertThat(runs(firstServer)).as("the server outlives kill -9").isTrue();

    try (var postgres = new EmbeddedPostgres(dir, 0)) {
      postgres.start();
      assertThat(runs(firstServer)).isFalse();
      assertThat(query(postgres, "select 1")).isEqualTo("1");
    }

    // A file alone, with the number of some other program, is no server.
    Files.writeString(pidFile(), ProcessHandle.current().pid() + "\n");
    Process stopped = child();
    assertThat(readyLine(stopped)).contains("jdbc.url=");
    long secondServer = serverPid();
    stopped.destroy();
    assertThat(stopped.waitFor(20, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
    assertThat(runs(secondServer)).isFalse();
  }

  private Process child() throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            EmbeddedPostgres.class.getName(),
            "--data-dir",
            dir.toString())
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static String readyLine(Process child) throws IOException {
    var reader =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8));
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      if (line.startsWith("ready")) {
        return line;
      }
    }
    return "(ended with " + child.onExit().join().exitValue() + ")";
  }

  private Path pidFile() {
    return dir.resolve("cluster").resolve("postmaster.pid");
  }

  private long serverPid() throws IOException {
    return Long.parseLong(Files.readAllLines(pidFile()).get(0));
  }

  /** A process that ended but was not collected by its parent runs no more. */
  private static boolean runs(long pid) throws IOException {
    Path status = Path.of("/proc/" + pid + "/cmdline");
    return Files.exists(status) && !Files.readString(status).isEmpty();
  }

  private static Admin admin(String address) {
    return Admin.create(Map.of("bootstrap.servers", address));
  }

  private static void execute(EmbeddedPostgres postgres, String sql) throws Exception {
    try (Connection connection = postgres.dataSource().getConnection()) {
      connection.createStatement().execute(sql);
    }
  }

  private static String query(EmbeddedPostgres postgres, String sql) throws Exception {
    try (Connection connection = postgres.dataSource().getConnection();
        ResultSet found = connection.createStatement().executeQuery(sql)) {
      found.next();
      return found.getString(1);
    }
  }
}
