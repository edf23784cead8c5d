package dev.espalier.e2e.survival;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * {@code evidence-smoke.yaml} as it stands, on the shipped small base and a part of the shipped
 * images: every method and control, and one method behind another, through the real services.
 */
final class EvidenceSmoke {

  private static final List<String> FIGURES =
      List.of(
          "top1_before_recovery",
          "top1_accuracy",
          "macs",
          "params",
          "speedup_batch1",
          "speedup_throughput",
          "onnx_speedup_batch1",
          "onnx_speedup_throughput");

  private static final String COMBINED = "magnitude-then-dynamicvit";

  private final Installation espalier;
  private final Path directory;

  EvidenceSmoke(Installation espalier, Path directory) {
    this.espalier = espalier;
    this.directory = directory;
  }

  /** Registers what it needs and hands it in. */
  String submit() throws Exception {
    FewImages.register(espalier, directory);
    String text =
        Files.readString(Installation.root().resolve("schemas/examples/evidence-smoke.yaml"));
    return espalier
        .post("/sweeps", text.replace("fashion-mnist-subset", FewImages.DATASET))
        .path("sweepId")
        .asText();
  }

  void check(String sweep) throws Exception {
    JsonNode results = espalier.get("/sweeps/" + sweep + "/results");
    assertThat(results.path("sweep").path("state").asText()).isEqualTo("COMPLETED");
    Map<String, JsonNode> trials = new HashMap<>();
    for (JsonNode trial : results.path("trials")) {
      assertThat(trial.path("state").asText()).as("%s", trial).isEqualTo("SUCCEEDED");
      trials.put(trial.path("method").asText(), trial);
    }
    List<String> expected = new ArrayList<>();
    Methods.ALL.stream()
        .filter(method -> !method.searchUsesLatency()) // not in the evidence
        .forEach(method -> expected.add(method.name()));
    expected.add(COMBINED);
    assertThat(trials).containsOnlyKeys(expected);
    trials.forEach(EvidenceSmoke::hasItsFigures);
    twoRecoveries(trials.get(COMBINED), sweep);
    String report = espalier.text("/sweeps/" + sweep + "/report.md");
    for (String method : expected) {
      assertThat(report.lines().filter(line -> line.startsWith("| `" + method + "` | 1 |")))
          .as("%s in%n%s", method, report)
          .hasSize(1);
    }
    assertThat(report).contains("## Nothing cut").contains("## Keep ratio 0.5 of macs");
  }

  private static void hasItsFigures(String method, JsonNode trial) {
    JsonNode measured = trial.path("measurements");
    FIGURES.forEach(name -> assertThat(measured.path(name).isNumber()).as(method + name).isTrue());
    double kept = measured.path("macs").asDouble() / measured.path("base_macs").asDouble();
    boolean cuts = Methods.find(method).map(MethodDescriptor::cuts).orElse(true);
    assertThat(kept).as(method).isBetween(cuts ? 0.4 : 1, cuts ? 0.51 : 1);
    assertThat(measured.path("macs")).as(method).isEqualTo(measured.path("counted_macs"));
    if (method.equals("small-from-scratch")) {
      assertThat(measured.path("top1_before_recovery").asDouble())
          .as("what has learnt nothing guesses")
          .isLessThan(0.35);
    }
  }

  /** The report tells the finetune behind the first method from that behind the second. */
  private void twoRecoveries(JsonNode trial, String sweep) throws Exception {
    JsonNode recoveries = trial.path("recoveries");
    assertThat(recoveries).hasSize(2);
    assertThat(recoveries.get(0).path("method").asText()).isEqualTo("magnitude");
    assertThat(recoveries.get(0).path("keepRatio").asDouble()).isEqualTo(0.7071);
    assertThat(recoveries.get(1).path("method").asText()).isEqualTo("dynamicvit");
    assertThat(recoveries.get(1).path("keepRatio").asDouble()).isEqualTo(0.5);
    assertThat(Set.of(recoveries.get(0).path("stageId"), recoveries.get(1).path("stageId")))
        .hasSize(2);
    for (JsonNode recovery : recoveries) {
      assertThat(recovery.path("curve"))
          .extracting(epoch -> epoch.path("epoch").asInt())
          .containsExactly(0, 1);
    }
    assertThat(trial.path("curve")).isEqualTo(recoveries.get(1).path("curve"));
    assertThat(espalier.text("/sweeps/" + sweep + "/report.html"))
        .contains("after magnitude 0.7071")
        .contains("after dynamicvit 0.5");
  }
}
