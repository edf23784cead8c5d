package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class CommandLineTest {

  @TempDir Path directory;

  @Test
  void everyCommandHasHelpWithExamples() {
    for (List<String> command : leaves(Espalier.commandLine(), List.of())) {
      List<String> words = new ArrayList<>(command);
      words.add("--help");
      Run run = Run.of(words.toArray(String[]::new));
      assertThat(run.code()).as("%s", command).isEqualTo(ExitCode.DONE);
      assertThat(run.out()).as("%s", command).contains("Examples:").contains("  espalier ");
    }
  }

  private static List<List<String>> leaves(CommandLine line, List<String> path) {
    List<List<String>> leaves = new ArrayList<>();
    line.getSubcommands()
        .forEach(
            (name, command) -> {
              List<String> words = new ArrayList<>(path);
              words.add(name);
              leaves.addAll(
                  command.getSubcommands().isEmpty() ? List.of(words) : leaves(command, words));
            });
    return leaves;
  }

  @Test
  void offersAllThatIsPromised() {
    assertThat(Espalier.commandLine().getSubcommands().keySet())
        .containsExactlyInAnyOrder(
            "demo", "up", "down", "status", "logs", "methods", "plan", "submit", "watch", "list",
            "report", "pause", "resume", "cancel", "delete", "explain", "replay", "what-if", "dlq",
            "gc", "dataset", "model", "export", "bench");
  }

  @Test
  void wrongWordsAreBadInput() {
    for (String[] words :
        new String[][] {
          {},
          {"dmo"},
          {"submit"},
          {"watch"},
          {"list", "--colour"},
          {"up", "--trainers", "many"},
          {"list", "-o", "xml"},
          {"dataset"},
          {"bench", "fly"},
          {"list", "--server", "::"}
        }) {
      Run run = Run.of(words);
      assertThat(run.code()).as("%s", List.of(words)).isEqualTo(ExitCode.BAD_INPUT);
      assertThat(run.err()).doesNotContain("\tat ").isNotBlank();
    }
  }

  @Test
  void whereNothingRunsItSaysHowToStart() {
    Run run = Run.of("list", "--data-dir", directory.toString());
    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertThat(run.err()).contains("nothing runs on").contains("espalier up --data-dir");
  }

  @Test
  void aSchedulerThatDoesNotAnswerIsAFailure() throws Exception {
    int free;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = socket.getLocalPort();
    }
    Run run = Run.of("list", "--server", "http://127.0.0.1:" + free);
    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertThat(run.err()).contains("no answer from the scheduler");
  }

  @Test
  void statusSaysByItsExitCodeWhetherAnythingRuns() {
    Run run = Run.of("status", "--data-dir", directory.toString(), "-o", "json");
    assertThat(run.code()).isEqualTo(ExitCode.FAILED);
    assertThat(run.out()).contains("\"running\" : false");
  }

  @Test
  void listsSweepsAsATableAndAsJson() throws Exception {
    try (FakeScheduler scheduler =
        new FakeScheduler()
            .answer(
                "GET /sweeps",
                200,
                """
                [{"id":"3f2a9c1b7d604e58","name":"demo","state":"RUNNING","trials":6,"succeeded":2,
                  "failed":1,"cancelled":0,"acceptedAt":"2026-11-24T02:10:00.123Z"}]
                """)) {
      Run table = Run.of("list", "--server", scheduler.address());
      assertThat(table.code()).isEqualTo(ExitCode.DONE);
      assertThat(table.out()).contains("3f2a9c1b7d604e58  demo  RUNNING     3/6");
      Run json = Run.of("list", "--server", scheduler.address(), "-o", "json");
      assertThat(json.out()).contains("\"id\" : \"3f2a9c1b7d604e58\"");
    }
  }

  @Test
  void showsTheEndOfALog() throws Exception {
    Files.createDirectories(directory.resolve("logs"));
    Files.writeString(directory.resolve("logs/scheduler.log"), "one\ntwo\nthree\n");
    Run run = Run.of("logs", "scheduler", "-n", "2", "--data-dir", directory.toString());
    assertThat(run.out()).isEqualTo("two\nthree\n");
    Run other = Run.of("logs", "schedular", "--data-dir", directory.toString());
    assertThat(other.code()).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(other.err()).contains("one of scheduler");
  }

  @Test
  void describesMethodsWithoutAService() {
    assertThat(Run.of("methods").out()).contains("magnitude@1").contains("redistribution: none");
    assertThat(Run.of("methods", "-o", "json").out()).contains("\"name\" : \"nvit\"");
  }
}
