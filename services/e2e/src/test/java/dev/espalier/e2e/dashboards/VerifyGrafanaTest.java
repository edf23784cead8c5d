package dev.espalier.e2e.dashboards;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.espalier.e2e.repository.Repository;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * {@code deploy/verify-grafana} against a server that answers as Grafana's {@code /api/ds/query}
 * does. What Grafana itself answers is what the script is for, and has not been seen here.
 */
class VerifyGrafanaTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String VALUES =
      """
      {"results": {"A": {"status": 200, "frames": [{"schema": {"fields": []},
        "data": {"values": [["one", "two"], [1, null]]}}]}}}""";
  private static final String NOTHING =
      """
      {"results": {"A": {"status": 200, "frames": [{"data": {"values": []}}]}}}""";

  private final List<JsonNode> asked = Collections.synchronizedList(new ArrayList<>());
  private HttpServer server;
  private UnaryOperator<String> answers;

  /** How the script ended and what it printed. */
  private record Run(int exit, String output) {}

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/api/ds/query", this::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    JsonNode query = JSON.readTree(exchange.getRequestBody()).path("queries").path(0);
    asked.add(query);
    String user =
        "Basic "
            + Base64.getEncoder().encodeToString("admin:secret".getBytes(StandardCharsets.UTF_8));
    boolean known = user.equals(exchange.getRequestHeaders().getFirst("Authorization"));
    String text =
        known
            ? answers.apply(query.path("rawSql").asText() + query.path("expr").asText())
            : "{\"message\": \"Unauthorized\"}";
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(known ? text.contains("\"error\"") ? 400 : 200 : 401, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  @Test
  void everyQueryOfEveryBoardIsAskedWithItsVariablesFilled() throws Exception {
    answers = query -> VALUES;

    Run run = verify("--grafana", "http://127.0.0.1:" + server.getAddress().getPort());

    assertThat(run.exit()).as(run.output()).isZero();
    List<String> boards =
        Boards.queries(Repository.root()).stream()
            .filter(query -> !query.chart().equals("variable"))
            .map(Boards.Query::where)
            .toList();
    assertThat(run.output())
        .contains(boards.size() + " of " + boards.size() + " queries are as they should be");
    List<String> named =
        verify("--list").output().lines().map(line -> line.split("\t")[0]).toList();
    assertThat(named).isEqualTo(boards);
    for (String where : boards) {
      assertThat(run.output().lines().filter(line -> line.contains("  " + where + " (")))
          .as(where)
          .isNotEmpty()
          .allMatch(line -> line.startsWith("ok "));
    }
    // Three that find the sweep, its trials and a worker, then each of the boards'.
    assertThat(asked).hasSize(3 + boards.size());
    assertThat(asked)
        .allSatisfy(
            query -> {
              assertThat(query.path("datasource").path("uid").asText()).startsWith("espalier-");
              assertThat(query.path("rawSql").asText() + query.path("expr").asText())
                  .doesNotContain("${");
            });
    assertThat(asked.toString()).contains("sweep_id = 'one'", "'one','two'");
  }

  @Test
  void anErrorAndAPanelWithoutDataAreNamedAndEndInOne() throws Exception {
    Map<String, String> texts =
        Boards.queries(Repository.root()).stream()
            .collect(
                Collectors.toMap(
                    Boards.Query::where, Boards.Query::text, (first, second) -> first));
    answers =
        query -> {
          if (query.equals(texts.get("platform / Services up"))) {
            return "{\"results\": {\"A\": {\"status\": 400, \"error\": \"parse error at char 3\"}}}";
          }
          return query.equals(texts.get("platform / JVM garbage collection"))
                  || query.equals(texts.get("resources / GPU in use"))
              ? NOTHING
              : VALUES;
        };

    Run run = verify("--grafana", "http://127.0.0.1:" + server.getAddress().getPort());

    assertThat(run.exit()).as(run.output()).isEqualTo(1);
    assertThat(run.output())
        .containsPattern("ERROR +0 +platform / Services up \\(A\\): parse error at char 3")
        .containsPattern("NO DATA +0 +platform / JVM garbage collection")
        .containsPattern("none here +0 +resources / GPU in use")
        .contains("86 of 88");
  }

  @Test
  void theScriptIsSoundAndRefusesWhatItDoesNotKnow() throws Exception {
    assertThat(run(List.of("bash", "-n", "deploy/verify-grafana"))).isEqualTo(new Run(0, ""));
    assertThat(verify("--url").exit()).isEqualTo(2);
    assertThat(verify("--url").output()).contains("--grafana URL", "found --url");
    // Everything that it says may be empty is a panel.
    String script = Files.readString(Repository.root().resolve("deploy/verify-grafana"));
    List<String> boards =
        Boards.queries(Repository.root()).stream().map(Boards.Query::where).toList();
    String list = script.substring(script.indexOf("<<'LIST'\n") + 9, script.indexOf("\nLIST\n"));
    assertThat(boards).containsAll(list.lines().toList());
  }

  private static Run verify(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("deploy/verify-grafana"));
    command.addAll(List.of(arguments));
    return run(command);
  }

  private static Run run(List<String> command) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(Repository.root().toFile()).redirectErrorStream(true);
    builder.environment().put("GRAFANA_PASSWORD", "secret");
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Run(process.waitFor(), output);
  }
}
