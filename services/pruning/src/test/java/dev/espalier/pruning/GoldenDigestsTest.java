package dev.espalier.pruning;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.latency.LatencyConditions;
import dev.espalier.architecture.latency.LatencyGrid;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ImportanceFile;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * What each method finds on a fixed model. A method whose results change must raise the version in
 * its descriptor, since stages are shared by method and version; then the digest here changes with
 * it. NViT's scores come out of the tensor library, whose last bits depend on the processor, so
 * only its plan is held.
 */
class GoldenDigestsTest {

  private final VitWeights weights = TinyVit.weights(TrainedTinyVit.SHAPE, 21);

  @Test
  void randomFindsTheSameInVersion1() throws Exception {
    assertThat(found("random", true)).isEqualTo("random@1 a6e010efe7b1fdb0 00e81984af116893");
  }

  @Test
  void magnitudeFindsTheSameInVersion1() throws Exception {
    assertThat(found("magnitude", true)).isEqualTo("magnitude@1 3d04c38d6167cf06 287c136e04ad9d2b");
  }

  @Test
  void nvitFindsTheSameInVersion1() throws Exception {
    assertThat(found("nvit", false)).isEqualTo("nvit@1 7211270d719fe266");
  }

  @Test
  void vtpFindsTheSameInVersion1() throws Exception {
    assertThat(found("vtp", false)).isEqualTo("vtp@1 22ec069ee36d8690");
  }

  @Test
  void vitSlimFindsTheSameInVersion1() throws Exception {
    assertThat(found("vit-slim", false)).isEqualTo("vit-slim@1 9ec663909720f6b5");
  }

  @Test
  void patchSlimmingAndItsControlsFindTheSameInVersion1() throws Exception {
    assertThat(
            List.of(
                found("patch-slimming", false, 0.5),
                found("random-tokens", false, 0.5),
                found("cls-attention", false, 0.5),
                found("static-top-k", false, 0.5)))
        .containsExactly(
            "patch-slimming@1 677c486ca99cd270",
            "random-tokens@1 5d4709231c35d8d1",
            "cls-attention@1 24d68f677e6b25a9",
            "static-top-k@1 857ed24a8b53d7e3");
  }

  @Test
  void dynamicvitFindsTheSameInVersion2() throws Exception {
    assertThat(found("dynamicvit", false)).isEqualTo("dynamicvit@2 dd92ceaff06ebec8");
  }

  @Test
  void latencyAwareNvitFindsTheSameInVersion1() throws Exception {
    assertThat(found("nvit-latency", false)).isEqualTo("nvit-latency@1 2d934cdbe724773d");
  }

  @Test
  void wdpruningFindsTheSameInVersion1() throws Exception {
    assertThat(found("wdpruning", false)).isEqualTo("wdpruning@1 72ac900ebbe9568d");
  }

  @Test
  void spvitFindsTheSameInVersion1() throws Exception {
    assertThat(found("spvit", false)).isEqualTo("spvit@1 35e2adeb9c1d5e18");
  }

  @Test
  void depthControlsFindTheSameInVersion1() throws Exception {
    assertThat(found("depth-last", true))
        .isEqualTo("depth-last@1 b0a5f5575c1dd4df c72748e690ed995e");
    assertThat(found("depth-even", true))
        .isEqualTo("depth-even@1 cad397ccf584de35 b057870285f5405c");
  }

  @Test
  void controlsOfTrainingFindTheSameInVersion1() throws Exception {
    assertThat(found("small-from-scratch", true))
        .isEqualTo("small-from-scratch@1 75d4cf953d7cf773 17b9dc4370f23bc1");
    assertThat(found("base-extra-epochs", false, 1.0))
        .isEqualTo("base-extra-epochs@1 ed9af55b06acf12c");
  }

  /** Version, digest of the scores where they are exact, hash of the plan at 0.8. */
  private String found(String name, boolean exact) throws Exception {
    return found(name, exact, 0.8);
  }

  private String found(String name, boolean exact, double keepRatio) throws Exception {
    PruningMethod method = PruningMethods.get(name);
    Map<String, Object> parameters = new HashMap<>(method.descriptor().defaults());
    parameters.putAll(
        Map.of(
            "targetKind",
            "macs",
            "keepRatio",
            keepRatio,
            "keepRatioFrom",
            1.0,
            "keepRatioTo",
            0.8));
    if (name.equals("wdpruning") || name.equals("spvit")) {
      parameters.putAll(Map.of("epochs", 1L, "batchSize", 64L));
    }
    if (name.startsWith("nvit")) {
      parameters.putAll(Map.of("interval", 1L, "chunksPerStep", 4L, "batchSize", 32L));
    }
    if (method.descriptor().parameter("images").isPresent()) {
      parameters.putAll(Map.of("images", 64L, "epochs", 1L));
    }
    if (name.equals("dynamicvit")) {
      parameters.put("epochs", 1L);
    }
    SearchRequest request = SearchRequest.of(weights, parameters, 3).on(TrainedTinyVit.IMAGES);
    Optional<LatencyTable> latency =
        method.descriptor().searchUsesLatency() ? Optional.of(latencies()) : Optional.empty();
    request = latency.isPresent() ? request.timedBy(latency.get()) : request;
    try (Search search = method.search(request)) {
      while (!search.finished()) {
        search.step();
      }
      Importance importance = search.result().importance();
      PruningPlan plan =
          method.plan(
              new PlanRequest(
                  TrainedTinyVit.SHAPE,
                  importance,
                  search.result().findings(),
                  TargetKind.MACS,
                  keepRatio,
                  parametersOf(method),
                  latency));
      byte[] scores = ImportanceFile.write(importance, name);
      return "%s@%d %s%s"
          .formatted(
              name,
              method.descriptor().version(),
              exact ? sha256(scores) + " " : "",
              plan.hash().substring(0, 16));
    }
  }

  /** As if every model took as long as it has parameters. */
  private static LatencyTable latencies() {
    LatencyGrid grid = LatencyGrid.of(TrainedTinyVit.SHAPE);
    return LatencyTable.of(
        new LatencyConditions("golden", "djl", "fp32", 1, 1),
        grid,
        grid.attentionShapes().stream().mapToDouble(vit -> Cost.of(vit).params()).toArray(),
        grid.mlpShapes().stream().mapToDouble(vit -> Cost.of(vit).params()).toArray());
  }

  private static Map<String, Object> parametersOf(PruningMethod method) {
    Map<String, Object> parameters = new HashMap<>(method.descriptor().defaults());
    Set<UnitKind> prunes = method.descriptor().prunes();
    boolean few = prunes.equals(Set.of(UnitKind.TOKEN)) || prunes.equals(Set.of(UnitKind.BLOCK));
    parameters.put("alignment", few ? 1L : 8L);
    return parameters;
  }

  private static String sha256(byte[] bytes) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    return HexFormat.of().formatHex(digest.digest(bytes)).substring(0, 16);
  }
}
