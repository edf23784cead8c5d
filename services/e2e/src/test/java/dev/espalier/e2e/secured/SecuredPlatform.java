package dev.espalier.e2e.secured;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.e2e.repository.Repository;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.standalone.embedded.EmbeddedBroker;
import dev.espalier.standalone.embedded.FreePort;
import dev.espalier.testkit.Certificate;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.Postgres;
import dev.espalier.testkit.TestIssuer;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.NetworkInterface;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.commons.codec.digest.Sha2Crypt;

/**
 * The packaged scheduler and a packaged worker as processes that ask for credentials, on a broker
 * that speaks SASL over TLS only and holds its clients to ACLs.
 */
final class SecuredPlatform implements AutoCloseable {

  /** Users of the scheduler's file; each password is the name and "-secret". */
  private static final List<String> USERS =
      List.of("vera:viewer:", "sam:submitter:vision", "nora:submitter:speech", "otto:operator:");

  private static final Duration SOON = Duration.ofMinutes(2);
  private static final ObjectMapper JSON = new ObjectMapper();

  final TestIssuer issuer;
  final Certificate certificate;
  final String networkAddress;
  final int httpsPort = FreePort.find();
  final int httpPort = FreePort.findOtherThan(httpsPort);
  private final Path directory;
  private final EmbeddedBroker broker;
  private final Postgres.Database database = Postgres.shared().newDatabase();
  private final List<Process> processes = new ArrayList<>();
  private final HttpClient http;

  SecuredPlatform(Path directory) throws Exception {
    this.directory = directory;
    this.networkAddress = networkAddress();
    this.certificate = new Certificate(directory, List.of("127.0.0.1", networkAddress));
    this.issuer = new TestIssuer(certificate);
    this.broker = new EmbeddedBroker(directory.resolve("broker"), 0, brokerSettings());
    broker.start();
    this.http = HttpClient.newBuilder().sslContext(certificate.trusting()).build();
    start("scheduler", schedulerSettings());
    Eventually.within(SOON, () -> requireReady("https://127.0.0.1:" + httpsPort));
    start("redistributor", workerSettings());
  }

  /** An address by which other machines would reach this one; loopback where there is none. */
  private static String networkAddress() throws IOException {
    return NetworkInterface.networkInterfaces()
        .flatMap(NetworkInterface::inetAddresses)
        .filter(address -> address instanceof Inet4Address && !address.isLoopbackAddress())
        .map(address -> address.getHostAddress())
        .findFirst()
        .orElse("127.0.0.1");
  }

  private Map<String, String> brokerSettings() {
    String users =
        "org.apache.kafka.common.security.plain.PlainLoginModule required"
            + " username=\"broker\" password=\"broker-secret\" user_broker=\"broker-secret\""
            + " user_espalier=\"espalier-secret\" user_client=\"client-secret\";";
    Map<String, String> settings = new HashMap<>();
    settings.put("listeners", "CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
    settings.put("advertised.listeners", "CLIENTS://127.0.0.1:{port}");
    settings.put("listener.security.protocol.map", "CLIENTS:SASL_SSL,CONTROLLER:SASL_SSL");
    settings.put("inter.broker.listener.name", "CLIENTS");
    settings.put("sasl.enabled.mechanisms", "PLAIN");
    settings.put("sasl.mechanism.inter.broker.protocol", "PLAIN");
    settings.put("sasl.mechanism.controller.protocol", "PLAIN");
    for (String listener : List.of("clients", "controller")) {
      settings.put("listener.name." + listener + ".sasl.enabled.mechanisms", "PLAIN");
      settings.put("listener.name." + listener + ".plain.sasl.jaas.config", users);
    }
    settings.put("ssl.keystore.location", certificate.keyStore.toString());
    settings.put("ssl.keystore.password", Certificate.PASSWORD);
    settings.put("ssl.truststore.location", certificate.pem.toString());
    settings.put("ssl.truststore.type", "PEM");
    settings.put(
        "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    settings.put("super.users", "User:broker;User:espalier");
    settings.put("allow.everyone.if.no.acl.found", "false");
    return settings;
  }

  /** How a client with this name would talk to the broker. */
  KafkaSettings kafka(String user, String password) {
    return new KafkaSettings(broker.bootstrapServers(), sasl(user, password));
  }

  KafkaSettings kafkaWithoutCredentials() {
    return KafkaSettings.of(broker.bootstrapServers());
  }

  private Map<String, String> sasl(String user, String password) {
    return Map.of(
        "security.protocol",
        "SASL_SSL",
        "sasl.mechanism",
        "PLAIN",
        "sasl.jaas.config",
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"%s\" password=\"%s\";"
            .formatted(user, password),
        "ssl.truststore.type",
        "PEM",
        "ssl.truststore.location",
        certificate.pem.toString());
  }

  /** As variables, which is how a cluster hands them over. */
  private Map<String, String> kafkaVariables() {
    Map<String, String> variables =
        sasl("espalier", "espalier-secret").entrySet().stream()
            .collect(
                Collectors.toMap(
                    setting -> "KAFKA_" + setting.getKey().replace('.', '_').toUpperCase(),
                    Map.Entry::getValue));
    variables.put("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrapServers());
    variables.put("ESPALIER_STORE", directory.resolve("store").toString());
    return variables;
  }

  private Map<String, String> schedulerSettings() throws Exception {
    Path users = directory.resolve("users");
    StringBuilder lines = new StringBuilder("# name:hash:role:teams\n");
    for (String user : USERS) {
      String name = user.substring(0, user.indexOf(':'));
      String hash = Sha2Crypt.sha512Crypt((name + "-secret").getBytes());
      lines.append(name).append(':').append(hash).append(user.substring(name.length()));
      lines.append('\n');
    }
    Files.writeString(users, lines);
    Map<String, String> settings = new HashMap<>(kafkaVariables());
    settings.put("QUARKUS_DATASOURCE_JDBC_URL", database.jdbcUrl());
    settings.put("QUARKUS_DATASOURCE_USERNAME", "postgres");
    settings.put("QUARKUS_DATASOURCE_PASSWORD", "postgres");
    settings.put("QUARKUS_HTTP_HOST", "0.0.0.0");
    settings.put("QUARKUS_HTTP_PORT", Integer.toString(httpPort));
    settings.put("QUARKUS_HTTP_SSL_PORT", Integer.toString(httpsPort));
    settings.put("QUARKUS_HTTP_SSL_CERTIFICATE_KEY_STORE_FILE", certificate.keyStore.toString());
    settings.put("QUARKUS_HTTP_SSL_CERTIFICATE_KEY_STORE_PASSWORD", Certificate.PASSWORD);
    settings.put("ESPALIER_SECURITY_MODE", "secured");
    settings.put("ESPALIER_SECURITY_USERS", users.toString());
    settings.put("ESPALIER_SECURITY_ISSUER", issuer.name());
    settings.put("ESPALIER_SECURITY_ISSUER_CA", certificate.pem.toString());
    settings.put("ESPALIER_SECURITY_ROLES_CLAIM", "realm_access.roles");
    return settings;
  }

  private Map<String, String> workerSettings() {
    Map<String, String> settings = new HashMap<>(kafkaVariables());
    settings.put("ESPALIER_HEARTBEAT_INTERVAL", "1s");
    return settings;
  }

  /** Starts a packaged service with these variables; its output goes to a file. */
  Process start(String service, Map<String, String> settings) throws IOException {
    return start(service, settings, service + ".out");
  }

  Process start(String service, Map<String, String> settings, String log) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx384m",
            "-XX:TieredStopAtLevel=1",
            "-jar",
            Repository.root()
                .resolve("services/" + service + "/target/quarkus-app/quarkus-run.jar")
                .toString());
    builder.environment().putAll(settings);
    builder.redirectErrorStream(true).redirectOutput(directory.resolve(log).toFile());
    Process process = builder.start();
    processes.add(process);
    return process;
  }

  Path log(String service) {
    return directory.resolve(service + ".out");
  }

  private void requireReady(String base) throws Exception {
    HttpResponse<String> answer = send(base, "GET", "/q/health/ready", null, null);
    if (answer.statusCode() != 200) {
      throw new AssertionError(
          answer.body() + "\n" + Files.readString(log("scheduler")).lines().limit(60).toList());
    }
  }

  static String basic(String user) {
    return basic(user, user + "-secret");
  }

  static String basic(String user, String password) {
    return "Basic "
        + java.util.Base64.getEncoder().encodeToString((user + ":" + password).getBytes());
  }

  /** Asks over TLS. */
  HttpResponse<String> ask(String method, String path, String body, String authorization)
      throws Exception {
    return send("https://127.0.0.1:" + httpsPort, method, path, body, authorization);
  }

  HttpResponse<String> send(
      String base, String method, String path, String body, String authorization) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base + path))
            .timeout(Duration.ofSeconds(30))
            .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
    if (authorization != null) {
      request.header("Authorization", authorization);
    }
    return http.send(request.build(), BodyHandlers.ofString());
  }

  /** Uploads and registers as the operator. */
  void register(String path, Path file) throws Exception {
    HttpRequest upload =
        HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + httpsPort + "/api/v1/artifacts"))
            .header("Authorization", basic("otto"))
            .POST(BodyPublishers.ofFile(file))
            .build();
    JsonNode stored = JSON.readTree(http.send(upload, BodyHandlers.ofString()).body());
    HttpResponse<String> answer =
        ask(
            "PUT",
            "/api/v1" + path,
            "{\"artifact\":\"" + stored.path("sha256").asText() + "\"}",
            basic("otto"));
    if (answer.statusCode() >= 300) {
      throw new AssertionError(answer.body());
    }
  }

  /** First column of all rows. */
  List<String> texts(String sql) throws SQLException {
    try (var connection = database.dataSource().getConnection();
        var statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      List<String> texts = new ArrayList<>();
      while (rows.next()) {
        texts.add(rows.getString(1));
      }
      return texts;
    }
  }

  @Override
  public void close() throws Exception {
    processes.forEach(Process::destroy);
    for (Process process : processes) {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
    broker.close();
    issuer.close();
  }
}
