package dev.espalier.e2e.secured;

import static dev.espalier.e2e.secured.SecuredPlatform.basic;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.e2e.repository.Repository;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.sweep.v1.CancelSweep;
import dev.espalier.schemas.sweep.v1.MethodChoice;
import dev.espalier.schemas.sweep.v1.SubmitSweep;
import dev.espalier.schemas.sweep.v1.SweepCommand;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.schemas.sweep.v1.SweepSpec;
import dev.espalier.schemas.sweep.v1.Targets;
import dev.espalier.testkit.Eventually;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.NumericDate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real processes that ask for credentials: at the REST door, at the Kafka door, and of workers. */
class SecuredInstallationTest {

  private static final Duration SOON = Duration.ofMinutes(1);
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path directory;
  private static SecuredPlatform platform;

  @BeforeAll
  static void start() throws Exception {
    platform = new SecuredPlatform(directory);
    Path shipped = Repository.root().resolve("services/standalone/src/main/resources");
    platform.register("/models/vit", shipped.resolve("models/fashion-vit-96x6.safetensors"));
    platform.register("/datasets/images", shipped.resolve("datasets/fashion-mnist-subset.zip"));
    try (Admin admin = Admin.create(platform.kafka("espalier", "espalier-secret").with(Map.of()))) {
      admin
          .createAcls(List.of(allow(AclOperation.WRITE), allow(AclOperation.DESCRIBE)))
          .all()
          .get();
    }
  }

  /** What the README tells an operator to give to those who submit over Kafka. */
  private static AclBinding allow(AclOperation operation) {
    return new AclBinding(
        new ResourcePattern(ResourceType.TOPIC, Topics.SWEEP_COMMANDS, PatternType.LITERAL),
        new AccessControlEntry("User:client", "*", operation, AclPermissionType.ALLOW));
  }

  @AfterAll
  static void stop() throws Exception {
    if (platform != null) {
      platform.close();
    }
  }

  private static String sweep(String name, String team) {
    return """
        {"name": "%s", "team": "%s", "model": "vit", "dataset": "images",
         "methods": ["magnitude"], "targets": {"macs": [0.5]}, "seeds": [1]}
        """
        .formatted(name, team);
  }

  private record Request(String method, String path) {}

  /** Every address of the interface, and some that are not there. */
  private static List<Request> everything() {
    String sha256 = "a".repeat(64);
    return List.of(
        new Request("GET", "/api/v1/sweeps"),
        new Request("POST", "/api/v1/sweeps"),
        new Request("GET", "/api/v1/sweeps/x"),
        new Request("DELETE", "/api/v1/sweeps/x"),
        new Request("GET", "/api/v1/sweeps/x/results"),
        new Request("GET", "/api/v1/sweeps/x/report.html"),
        new Request("GET", "/api/v1/sweeps/x/report.csv"),
        new Request("GET", "/api/v1/sweeps/x/report.md"),
        new Request("GET", "/api/v1/sweeps/x/report.json"),
        new Request("POST", "/api/v1/sweeps/x/cancel"),
        new Request("POST", "/api/v1/sweeps/x/pause"),
        new Request("POST", "/api/v1/sweeps/x/resume"),
        new Request("POST", "/api/v1/sweeps/x/trials/y/cancel"),
        new Request("POST", "/api/v1/sweeps/x/trials/y/pause"),
        new Request("POST", "/api/v1/sweeps/x/trials/y/resume"),
        new Request("GET", "/api/v1/methods"),
        new Request("GET", "/api/v1/status"),
        new Request("GET", "/api/v1/audit"),
        new Request("GET", "/api/v1/trials/x"),
        new Request("GET", "/api/v1/trials/x/explanation"),
        new Request("GET", "/api/v1/replay"),
        new Request("POST", "/api/v1/replay"),
        new Request("POST", "/api/v1/collection"),
        new Request("GET", "/api/v1/dead-letters"),
        new Request("GET", "/api/v1/dead-letters/sweep.commands.v1.dlq/0/0"),
        new Request("POST", "/api/v1/dead-letters/sweep.commands.v1.dlq/0/0/replay"),
        new Request("POST", "/api/v1/dead-letters/sweep.commands.v1.dlq/0/0/discard"),
        new Request("GET", "/api/v1/models"),
        new Request("PUT", "/api/v1/models/vit"),
        new Request("GET", "/api/v1/datasets"),
        new Request("PUT", "/api/v1/datasets/images"),
        new Request("POST", "/api/v1/artifacts"),
        new Request("GET", "/api/v1/artifacts/" + sha256),
        new Request("GET", "/api/v1/not-there-yet"),
        new Request("GET", "/q/metrics"),
        new Request("GET", "/q/openapi"),
        new Request("GET", "/"));
  }

  @Test
  void withoutCredentialsNothingAnswersButHealth() throws Exception {
    for (Request request : everything()) {
      String body = request.method().equals("GET") ? null : sweep("anonymous", "vision");
      assertThat(platform.ask(request.method(), request.path(), body, null).statusCode())
          .as("%s", request)
          .isEqualTo(401);
      assertThat(
              platform
                  .ask(request.method(), request.path(), body, basic("sam", "guess"))
                  .statusCode())
          .as("%s with a wrong password", request)
          .isEqualTo(401);
    }
    assertThat(platform.ask("GET", "/q/health/live", null, null).statusCode()).isEqualTo(200);
    assertThat(platform.texts("select name from sweep where name = 'anonymous'")).isEmpty();
  }

  @Test
  void aTokenMustBeTheIssuersOwnAndMeantForUsNow() throws Exception {
    JwtClaims late = platform.issuer.claims("ida", "viewer");
    late.setExpirationTime(NumericDate.fromSeconds(NumericDate.now().getValue() - 120));
    JwtClaims elsewhere = platform.issuer.claims("ida", "viewer");
    elsewhere.setAudience("another-service");
    JwtClaims stranger = platform.issuer.claims("ida", "viewer");
    stranger.setIssuer("https://another.test");
    JwtClaims eternal = platform.issuer.claims("ida", "viewer");
    eternal.unsetClaim("exp");
    String good = platform.issuer.token("ida", "viewer");
    String unsigned = encoded("{\"alg\":\"none\"}") + "." + good.split("\\.")[1] + ".";
    List<String> refused =
        List.of(
            platform.issuer.sign(late),
            platform.issuer.sign(elsewhere),
            platform.issuer.sign(stranger),
            platform.issuer.sign(eternal),
            platform.issuer.forge(platform.issuer.claims("ida", "viewer")),
            platform.issuer.token("ida", "no-role-of-ours"),
            unsigned,
            good.substring(0, good.length() - 8) + "AAAAAAAA",
            "x".repeat(2_000),
            "");

    assertThat(status("Bearer " + good)).isEqualTo(200);
    for (String token : refused) {
      assertThat(status("Bearer " + token)).as(token).isEqualTo(401);
    }
  }

  private static int status(String authorization) throws Exception {
    return platform.ask("GET", "/api/v1/sweeps", null, authorization).statusCode();
  }

  private static String encoded(String text) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes());
  }

  @Test
  void aViewerReadsAndChangesNothing() throws Exception {
    for (String viewer :
        List.of(basic("vera"), "Bearer " + platform.issuer.token("ida", "viewer", "vision"))) {
      assertThat(status(viewer)).isEqualTo(200);
      assertThat(platform.ask("GET", "/q/metrics", null, viewer).statusCode()).isEqualTo(200);
      for (String operators : List.of("/api/v1/audit", "/api/v1/dead-letters")) {
        assertThat(platform.ask("GET", operators, null, viewer).statusCode()).isEqualTo(403);
      }
      for (Request request : everything()) {
        if (!request.method().equals("GET")) {
          HttpResponse<String> answer =
              platform.ask(request.method(), request.path(), sweep("seen", "vision"), viewer);
          assertThat(answer.statusCode()).as("%s: %s", request, answer.body()).isEqualTo(403);
        }
      }
    }
    assertThat(platform.texts("select name from sweep where name = 'seen'")).isEmpty();
  }

  @Test
  void aSubmitterActsForItsOwnTeamAndEventsNameWhoAsked() throws Exception {
    HttpResponse<String> foreign =
        platform.ask("POST", "/api/v1/sweeps", sweep("foreign", "speech"), basic("sam"));
    HttpResponse<String> own =
        platform.ask("POST", "/api/v1/sweeps", sweep("own", "vision"), basic("sam"));
    String id = JSON.readTree(own.body()).path("sweepId").asText();

    assertThat(foreign.statusCode()).isEqualTo(403);
    assertThat(foreign.body()).contains("sam", "speech");
    assertThat(own.statusCode()).as(own.body()).isEqualTo(202);
    for (String verb : List.of("cancel", "pause", "resume", "trials/y/cancel", "trials/y/pause")) {
      assertThat(
              platform
                  .ask("POST", "/api/v1/sweeps/" + id + "/" + verb, null, basic("nora"))
                  .statusCode())
          .as("%s by another team's submitter", verb)
          .isEqualTo(403);
    }
    assertThat(
            platform
                .ask(
                    "PUT",
                    "/api/v1/models/vit?replace=true",
                    "{\"artifact\":\"" + "a".repeat(64) + "\"}",
                    basic("sam"))
                .statusCode())
        .as("replacing what every team uses")
        .isEqualTo(403);
    String mate = "Bearer " + platform.issuer.token("max", "submitter", "vision");
    assertThat(platform.ask("POST", "/api/v1/sweeps/" + id + "/pause", null, mate).statusCode())
        .isEqualTo(200);
    assertThat(
            platform
                .ask("POST", "/api/v1/sweeps/" + id + "/cancel", null, basic("otto"))
                .statusCode())
        .isEqualTo(200);

    assertThat(
            platform.texts(
                "select type || ' by ' || requested_by || ' for ' || team from audit where stream ="
                    + " 'sweep-"
                    + id
                    + "' and type in ('sweep_accepted', 'sweep_paused', 'sweep_cancelled')"
                    + " order by id"))
        .containsExactly(
            "sweep_accepted by sam for vision",
            "sweep_paused by max for vision",
            "sweep_cancelled by otto for vision");
    Eventually.within(
        SOON,
        () ->
            assertThat(
                    platform.texts("select type from audit where stream like 'trial-" + id + "%'"))
                .isNotEmpty());
    assertThat(
            platform.texts(
                "select type || stream from audit where coalesce(requested_by, '') = ''"))
        .as("events that name nobody")
        .isEmpty();
    HttpResponse<String> audit =
        platform.ask("GET", "/api/v1/audit?sweep=" + id, null, basic("otto"));
    assertThat(audit.body()).contains("sweep_cancelled", "otto");
  }

  @Test
  void credentialsAreRefusedOverPlainHttpFromTheNetwork() throws Exception {
    assumeFalse(
        platform.networkAddress.equals("127.0.0.1"), "this machine has no address but loopback");
    String plain = "http://" + platform.networkAddress + ":" + platform.httpPort;
    String tls = "https://" + platform.networkAddress + ":" + platform.httpsPort;

    assertThat(platform.send(plain, "GET", "/api/v1/sweeps", null, basic("vera")).statusCode())
        .isEqualTo(401);
    assertThat(platform.send(tls, "GET", "/api/v1/sweeps", null, basic("vera")).statusCode())
        .isEqualTo(200);
  }

  @Test
  void anOpenDoorDoesNotStartOnANetwork() throws Exception {
    Process open =
        platform.start(
            "scheduler",
            Map.of(
                "QUARKUS_HTTP_HOST", "0.0.0.0",
                "QUARKUS_HTTP_PORT", "0",
                "KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1",
                "QUARKUS_DATASOURCE_JDBC_URL", "jdbc:postgresql://127.0.0.1:1/espalier",
                "ESPALIER_STORE", directory.resolve("open").toString()),
            "open.out");

    assertThat(open.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(open.exitValue()).isNotZero();
    assertThat(Files.readString(directory.resolve("open.out")))
        .contains("quarkus.http.host: expected loopback")
        .contains("0.0.0.0");
  }

  @Test
  void theCommandLineShowsCredentialsAndSaysWhatIsMissing() throws Exception {
    Path password = Files.writeString(directory.resolve("vera.password"), "vera-secret\n");
    Path token =
        Files.writeString(directory.resolve("token"), platform.issuer.token("ida", "viewer"));
    String server = "https://127.0.0.1:" + platform.httpsPort;
    String ca = platform.certificate.pem.toString();

    assertThat(cli("list", "--server", server)).contains("exit 1", "--ca-file");
    assertThat(cli("list", "--server", server, "--ca-file", ca)).contains("exit 1", "--user");
    assertThat(
            cli(
                "list",
                "--server",
                server,
                "--ca-file",
                ca,
                "--user",
                "vera",
                "--password-file",
                password.toString()))
        .contains("exit 0");
    assertThat(cli("list", "--server", server, "--ca-file", ca, "--token-file", token.toString()))
        .contains("exit 0");
    assertThat(
            cli(
                "cancel",
                "0123456789abcdef",
                "--server",
                server,
                "--ca-file",
                ca,
                "--token-file",
                token.toString()))
        .contains("exit 1", "your role does not allow this");
    assertThat(
            cli(
                "list",
                "--server",
                "http://espalier.example:8080",
                "--token-file",
                token.toString()))
        .contains("exit 2", "https");
  }

  private static String cli(String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Xshare:auto", "-jar"));
    command.add(Repository.root().resolve("services/cli/target/espalier-cli.jar").toString());
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    return said + "\nexit " + process.waitFor();
  }

  // ---- the Kafka door ----

  @Test
  void withoutCredentialsTheBrokerTellsAndTakesNothing() {
    Map<String, Object> impatient =
        Map.of("request.timeout.ms", 3000, "default.api.timeout.ms", 4000);
    try (Admin admin = Admin.create(platform.kafkaWithoutCredentials().with(impatient))) {
      assertThatThrownBy(() -> admin.listTopics().names().get())
          .isInstanceOf(ExecutionException.class);
    }
    try (Admin admin = Admin.create(platform.kafka("client", "guess").with(impatient))) {
      assertThatThrownBy(() -> admin.listTopics().names().get())
          .hasCauseInstanceOf(SaslAuthenticationException.class);
    }
  }

  @Test
  void aClientMayOnlyWriteRequests() throws Exception {
    KafkaSettings client = platform.kafka("client", "client-secret");
    try (Admin admin = Admin.create(client.with(Map.of()))) {
      assertThat(admin.listTopics().names().get()).containsExactly(Topics.SWEEP_COMMANDS);
    }
    for (String topic : List.of(Topics.STAGE_REPORTS, Topics.SWEEP_EVENTS, Topics.WORKER_EVENTS)) {
      assertThatThrownBy(() -> produce(new ProducerRecord<>(topic, new byte[] {1})))
          .as(topic)
          .hasCauseInstanceOf(TopicAuthorizationException.class);
    }
  }

  private static void produce(ProducerRecord<byte[], byte[]> record) throws Exception {
    try (var producer =
        new KafkaProducer<>(
            platform.kafka("client", "client-secret").with(Map.of("max.block.ms", 20_000)),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      producer.send(record).get();
    }
  }

  private static SweepCommand.Builder command() {
    return SweepCommand.newBuilder().setEventId(UUID.randomUUID().toString());
  }

  private static SweepCommand submit(String name, String team) {
    return command()
        .setTeam(team)
        .setSubmitSweep(
            SubmitSweep.newBuilder()
                .setSpec(
                    SweepSpec.newBuilder()
                        .setName(name)
                        .setModel("vit")
                        .setDataset("images")
                        .addMethods(MethodChoice.newBuilder().setName("magnitude"))
                        .setTargets(Targets.newBuilder().addMacs(0.6))
                        .addSeeds(1)))
        .build();
  }

  /** Sends a request as the client may; null for no token. */
  private static void send(SweepCommand command, String token) throws Exception {
    var record = new ProducerRecord<byte[], byte[]>(Topics.SWEEP_COMMANDS, command.toByteArray());
    if (token != null) {
      record.headers().add("authorization", ("Bearer " + token).getBytes());
    }
    produce(record);
  }

  /** Waits for the answer to a refused request. */
  private static SweepEvent rejection(SweepCommand command) {
    return Eventually.within(
        SOON,
        () -> {
          List<String> found =
              platform.texts(
                  "select encode(payload, 'base64') from event where stream = 'rejection-"
                      + command.getEventId()
                      + "'");
          assertThat(found).hasSize(1);
          return SweepEvent.parseFrom(Base64.getMimeDecoder().decode(found.get(0)));
        });
  }

  @Test
  void requestsOverKafkaCountOnlyWithASignedToken() throws Exception {
    SweepCommand bare = submit("by-nobody", "vision");
    SweepCommand forged = submit("by-a-forger", "vision");
    SweepCommand viewed = submit("by-a-viewer", "vision");
    SweepCommand foreign = submit("for-another-team", "speech");
    SweepCommand pretended =
        submit("as-another", "vision").toBuilder().setRequestedBy("otto").build();
    SweepCommand good = submit("by-max", "vision");
    String max = platform.issuer.token("max", "submitter", "vision");

    send(bare, null);
    send(forged, platform.issuer.forge(platform.issuer.claims("max", "submitter", "vision")));
    send(viewed, platform.issuer.token("ida", "viewer", "vision"));
    send(foreign, max);
    send(pretended, max);
    send(good, max);

    assertThat(rejection(bare).getSweepRejected().getViolations(0).getField())
        .isEqualTo("header authorization");
    assertThat(rejection(bare).getRequestedBy()).isEqualTo("unknown");
    assertThat(rejection(forged).getSweepRejected().getViolations(0).getField())
        .isEqualTo("header authorization");
    assertThat(rejection(viewed).getRequestedBy()).isEqualTo("ida");
    assertThat(rejection(foreign).getSweepRejected().getViolations(0).getField()).isEqualTo("team");
    assertThat(rejection(pretended).getSweepRejected().getViolations(0).getField())
        .isEqualTo("requestedBy");
    String id =
        Eventually.within(
            SOON,
            () ->
                platform
                    .texts("select sweep_id from sweep where name = 'by-max' and team = 'vision'")
                    .get(0));

    SweepCommand theft = command().setCancelSweep(CancelSweep.newBuilder().setSweepId(id)).build();
    send(theft, platform.issuer.token("noel", "submitter", "speech"));
    assertThat(rejection(theft).getSweepRejected().getViolations(0).getField()).isEqualTo("team");
    assertThat(platform.texts("select state from sweep where sweep_id = '" + id + "'"))
        .doesNotContain("CANCELLED");

    SweepCommand cancel = command().setCancelSweep(CancelSweep.newBuilder().setSweepId(id)).build();
    send(cancel, max);
    Eventually.within(
        SOON,
        () ->
            assertThat(
                    platform.texts(
                        "select requested_by from audit where stream = 'sweep-"
                            + id
                            + "' and type = 'sweep_cancelled'"))
                .containsExactly("max"));
    assertThat(
            platform.texts(
                "select name from sweep where name in"
                    + " ('by-nobody', 'by-a-forger', 'by-a-viewer', 'for-another-team', 'as-another')"))
        .isEmpty();
  }

  @Test
  void workersMeetTheSchedulerOverSaslAndTls() throws Exception {
    Eventually.within(
        SOON,
        () -> {
          HttpResponse<String> status = platform.ask("GET", "/api/v1/status", null, basic("vera"));
          assertThat(status.body()).contains("\"service\":\"redistributor\"", "ACTIVE");
        });
  }
}
