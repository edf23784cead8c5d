package dev.espalier.e2e.dashboards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The recording rules and alerts of {@code deploy/prometheus}. */
class RulesTest {

  private static final Path ROOT = root();
  private static final Path RULES = ROOT.resolve("deploy/prometheus/rules/espalier.yml");
  private static final Path TESTS = ROOT.resolve("deploy/prometheus/tests/espalier.yml");

  @TempDir Path directory;

  @Test
  void everyAlertFiresInOneTestAndStaysQuietInAnother() throws Exception {
    assertThat(promtool("test", "rules", TESTS.toString())).contains("SUCCESS");
    for (String alert : alerts()) {
      List<Boolean> fires = new ArrayList<>();
      for (Object test : list(load(TESTS).get("tests"))) {
        for (Object expectation : list(map(test).get("alert_rule_test"))) {
          if (alert.equals(map(expectation).get("alertname"))) {
            fires.add(!list(map(expectation).get("exp_alerts")).isEmpty());
          }
        }
      }
      assertThat(fires).as(alert).contains(true, false);
    }
  }

  @Test
  void anAlertOverARenamedMetricTurnsTheTestsRed() throws Exception {
    Path rules = Files.createDirectories(directory.resolve("rules")).resolve("espalier.yml");
    Path tests = Files.createDirectories(directory.resolve("tests")).resolve("espalier.yml");
    Files.copy(TESTS, tests);
    Files.writeString(
        rules, Files.readString(RULES).replace("espalier_workers_lost_total", "workers_lost"));
    assertThat(promtool("test", "rules", tests.toString()))
        .contains("FAILED")
        .contains("EspalierWorkerLost");
  }

  @Test
  void everyAlertHasARunbookWithMeaningImpactDiagnosisAndFix() throws Exception {
    for (Map<String, Object> rule : rules()) {
      if (rule.containsKey("alert")) {
        Map<String, Object> annotations = map(rule.get("annotations"));
        Path runbook = ROOT.resolve((String) annotations.get("runbook_url"));
        assertThat(runbook).exists();
        assertThat(Files.readString(runbook))
            .startsWith("# " + rule.get("alert"))
            .contains("## Meaning", "## Impact", "## Diagnosis", "## Fix");
        assertThat(map(rule.get("labels")).get("severity")).isIn("critical", "warning", "info");
        assertThat((String) annotations.get("summary")).isNotBlank();
      }
    }
    assertThat(alerts()).hasSizeGreaterThanOrEqualTo(15).doesNotHaveDuplicates();
  }

  private static List<String> alerts() throws IOException {
    return rules().stream()
        .filter(rule -> rule.containsKey("alert"))
        .map(rule -> (String) rule.get("alert"))
        .toList();
  }

  private static List<Map<String, Object>> rules() throws IOException {
    List<Map<String, Object>> rules = new ArrayList<>();
    for (Object group : list(load(RULES).get("groups"))) {
      list(map(group).get("rules")).forEach(rule -> rules.add(map(rule)));
    }
    return rules;
  }

  private static Map<String, Object> load(Path file) throws IOException {
    Load yaml = new Load(LoadSettings.builder().setAllowDuplicateKeys(false).build());
    return map(yaml.loadFromString(Files.readString(file)));
  }

  /** Both its outputs; red or green is in the text. */
  private static String promtool(String... arguments) throws Exception {
    Path program = Path.of("/usr/bin/promtool");
    assumeTrue(Files.isExecutable(program), "promtool is not installed");
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output;
  }

  private static Path root() {
    Path path = Path.of("").toAbsolutePath();
    while (!Files.exists(path.resolve("LICENSE"))) {
      path = path.getParent();
    }
    return path;
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(Object value) {
    return value == null ? Map.of() : (Map<String, Object>) value;
  }

  @SuppressWarnings("unchecked")
  private static List<Object> list(Object value) {
    return value == null ? List.of() : (List<Object>) value;
  }
}
