package dev.espalier.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.ParameterPhase;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.pruning.PruningMethods;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Uncut;
import dev.espalier.pruning.tensor.Precision;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What is written is a model that ONNX Runtime runs to the class scores that DJL finds. */
class OnnxFileTest {

  private static final double TOLERANCE = 1e-4;
  private static final int[] BATCHES = {1, 7, 64};
  private static final VitArchitecture BASE = VitArchitecture.uniform(28, 4, 1, 10, 32, 3, 4, 64);

  @ParameterizedTest
  @EnumSource(CutShapes.class)
  void everyKindOfCutAgreesWithDjl(CutShapes shape) throws Exception {
    assertAgreement(shape.weights());
  }

  @Test
  void aTrainedModelAndItsHalfAgreeWithDjl() throws Exception {
    VitWeights base = ModelFile.read(Agreement.shipped("models/fashion-vit-96x6.safetensors"));
    assertAgreement(base);
    assertAgreement(cut(base, PruningMethods.get("magnitude"), 0.5));
  }

  static List<String> methods() {
    return PruningMethods.ALL.stream()
        .map(PruningMethod::descriptor)
        .filter(MethodDescriptor::cuts)
        .map(MethodDescriptor::name)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("methods")
  void everyMethodsCutModelAgreesWithDjl(String name) throws Exception {
    VitWeights cut = decided(cut(CutShapes.random(BASE, 5), PruningMethods.get(name), 0.8));

    assertThat(cut.architecture()).isNotEqualTo(BASE);
    assertAgreement(cut);
  }

  @Test
  void equalModelsGiveEqualBytes() {
    VitWeights model = CutShapes.EVERYTHING_IN_COLOUR.weights();

    assertThat(OnnxFile.write(model, Map.of("b", "2", "a", "1")))
        .isEqualTo(OnnxFile.write(model, new TreeMap<>(Map.of("a", "1", "b", "2"))));
  }

  @Test
  void theShapeAndWhatTheCallerSaysAreInTheMetadata() throws Exception {
    VitWeights model = CutShapes.UNEQUAL_WIDTHS.weights();
    byte[] file = OnnxFile.write(model, Map.of("espalier.trial", "t-1"));

    try (OrtSession session = OrtEnvironment.getEnvironment().createSession(file)) {
      Map<String, String> metadata = session.getMetadata().getCustomMetadata();
      assertThat(metadata).containsEntry("espalier.trial", "t-1");
      assertThat(VitArchitecture.fromJson(metadata.get(OnnxFile.ARCHITECTURE)))
          .isEqualTo(model.architecture());
      assertThat(session.getInputNames()).containsExactly(OnnxFile.INPUT);
      assertThat(session.getOutputNames()).containsExactly(OnnxFile.OUTPUT);
    }
  }

  @Test
  void namesTheTensorThatIsMissing() {
    VitWeights model = CutShapes.UNEQUAL_WIDTHS.weights();
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
    tensors.remove("blocks.1.mlp.fc2.bias");

    assertThatThrownBy(
            () -> OnnxFile.write(new VitWeights(model.architecture(), tensors), Map.of()))
        .hasMessage("tensor blocks.1.mlp.fc2.bias is missing");
  }

  private static void assertAgreement(VitWeights model) throws Exception {
    assertThat(Agreement.spread(model)).isGreaterThan(0.05);
    for (int batch : BATCHES) {
      assertThat(Agreement.largestDifference(model, batch))
          .as("largest difference of a class score at batch %d", batch)
          .isLessThanOrEqualTo(TOLERANCE);
    }
  }

  /**
   * Predictors that know what they want, as after a real search: fresh ones give all patches the
   * same odds but for rounding, and two libraries may then keep different ones.
   */
  private static VitWeights decided(VitWeights cut) {
    Map<String, Tensor> tensors = new LinkedHashMap<>(cut.tensors());
    CutShapes.random(cut.architecture(), 6)
        .tensors()
        .forEach(
            (name, tensor) -> {
              if (name.contains(".predictor.")) {
                tensors.put(name, tensor);
              }
            });
    return new VitWeights(cut.architecture(), tensors);
  }

  /** What the method makes of a model after a search on a few images. */
  private static VitWeights cut(VitWeights base, PruningMethod method, double keepRatio) {
    MethodDescriptor descriptor = method.descriptor();
    Map<String, Object> parameters = new TreeMap<>(descriptor.defaults());
    parameters.putAll(
        Map.of(
            "targetKind",
            "macs",
            "keepRatio",
            keepRatio,
            "keepRatioFrom",
            1.0,
            "keepRatioTo",
            keepRatio));
    parameters.replace("epochs", 1L);
    parameters.replace("batchSize", 32L);
    parameters.replace("interval", 1L);
    parameters.replace("alignment", 1L);
    parameters.replace("eta", 0.0); // no table of latencies here
    SearchRequest request =
        SearchRequest.of(base, parameters, 3)
            .on(new SearchRequest.Images(Agreement.few(320), Agreement.TENSORS, 1, Precision.FP32));
    try (Search search = method.search(request)) {
      while (!search.finished()) {
        search.step();
      }
      Search.Result found = search.result();
      Map<String, Object> ofPlan = new TreeMap<>(parameters);
      ofPlan.keySet().retainAll(descriptor.parameters(ParameterPhase.PRUNE, Map.of()).keySet());
      ofPlan.put("alignment", 1L);
      PruningPlan plan =
          method.plan(
              new PlanRequest(
                  base.architecture(),
                  found.importance(),
                  found.findings(),
                  TargetKind.MACS,
                  keepRatio,
                  ofPlan));
      Optional<byte[]> findings = found.findings();
      VitWeights trained = found.weights().orElse(base);
      return Cut.apply(Uncut.of(trained, plan, method.brought(plan, findings)), plan);
    }
  }
}
