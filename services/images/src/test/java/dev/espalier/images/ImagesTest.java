package dev.espalier.images;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The tars as {@code docker load} would read them. */
class ImagesTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  static List<ImageTar> images() throws IOException {
    return ImageTar.all();
  }

  @ParameterizedTest
  @MethodSource("images")
  void saysWhoRunsItAndWhatItIs(ImageTar image) throws IOException {
    JsonNode config = image.config();

    assertThat(config.path("User").asText()).isEqualTo("10001:10001");
    assertThat(config.path("Entrypoint").path(0).asText()).isEqualTo("/opt/java/bin/java");
    assertThat(config.path("Entrypoint").path(4).asText())
        .isEqualTo("/opt/espalier/quarkus-run.jar");
    assertThat(config.path("Labels").path("org.opencontainers.image.title").asText())
        .isEqualTo("espalier-" + image.service());
    assertThat(config.path("Labels").path("org.opencontainers.image.licenses").asText())
        .isEqualTo("Apache-2.0");
    assertThat(config.path("Labels").path("org.opencontainers.image.version").asText())
        .isNotBlank();
    for (JsonNode variable : config.path("Env")) {
      assertThat(variable.asText()).doesNotMatch("(?i).*(password|secret|token|key).*");
    }
  }

  @ParameterizedTest
  @MethodSource("images")
  void holdsTheServiceAndNoShellNoSecretAndNothingThatGrantsRights(ImageTar image)
      throws IOException {
    Map<String, TarArchiveEntry> files = new LinkedHashMap<>();
    image.each((entry, content) -> files.put("/" + entry.getName(), entry));

    assertThat(files)
        .containsKeys(
            "/opt/java/bin/java", "/opt/espalier/quarkus-run.jar", "/lib64/ld-linux-x86-64.so.2");
    assertThat(files.keySet()).anyMatch(name -> name.endsWith("/libc.so.6"));
    assertThat(files.keySet())
        .noneMatch(name -> name.matches(".*/(sh|bash|apt|dpkg|curl)"))
        .noneMatch(name -> name.matches(".*(\\.env|\\.key|id_rsa|me\\.txt|users)"))
        .noneMatch(name -> name.matches("/(root|home|work|build)/.*"));
    files.forEach(
        (name, entry) -> {
          assertThat(entry.getMode() & 06000).as("set-id bit of " + name).isZero();
          if (!name.equals("/tmp/") && !entry.isSymbolicLink()) {
            assertThat(entry.getMode() & 0002).as("anyone may write " + name).isZero();
          }
        });
    assertThat(files.get("/var/lib/espalier/store/").getLongUserId()).isEqualTo(10001);
  }

  @ParameterizedTest
  @MethodSource("images")
  void saysWhichLibrariesItHolds(ImageTar image) throws IOException {
    List<String> jars = new ArrayList<>();
    List<JsonNode> found = new ArrayList<>();
    image.each(
        (entry, content) -> {
          if (entry.getName().matches("opt/espalier/lib/main/.+")) {
            jars.add(entry.getName().substring("opt/espalier/lib/main/".length()));
          } else if (entry.getName().equals("opt/espalier/sbom.cdx.json")) {
            found.add(JSON.readTree(content.readAllBytes()));
          }
        });

    assertThat(found).hasSize(1);
    JsonNode sbom = found.get(0);
    assertThat(sbom.path("bomFormat").asText()).isEqualTo("CycloneDX");
    assertThat(sbom.path("metadata").path("component").path("name").asText())
        .isEqualTo("espalier-" + image.service());
    TreeSet<String> listed = new TreeSet<>();
    for (JsonNode component : sbom.path("components")) {
      listed.add(
          "%s.%s-%s"
              .formatted(
                  component.path("group").asText(),
                  component.path("name").asText(),
                  component.path("version").asText()));
      assertThat(component.path("hashes").isEmpty()).as("no digest of " + component).isFalse();
    }
    assertThat(jars).hasSizeGreaterThan(50);
    assertThat(jars)
        .allSatisfy(
            jar ->
                assertThat(listed)
                    .as("libraries listed, of which " + jar)
                    .anyMatch(jar::startsWith));
  }
}
