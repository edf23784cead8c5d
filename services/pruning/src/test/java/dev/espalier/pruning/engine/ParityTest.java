package dev.espalier.pruning.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Both engines compute what PyTorch computes, within the tolerances of its README. */
class ParityTest {

  private static final float OUTPUT = 1e-4f;
  private static final float GRADIENT = 1e-4f;

  static Stream<Arguments> fp32() {
    return Stream.of(Engines.REFERENCE, Engines.FAST)
        .flatMap(e -> Arrays.stream(ParityCase.values()).map(c -> Arguments.of(e, c)));
  }

  @ParameterizedTest
  @MethodSource("fp32")
  void givesTheSameLogits(Engines kind, ParityCase parity) {
    try (NDManager manager = Engines.TENSORS.newManager();
        VitEngine engine = kind.open();
        VitModel model = VitModel.frozen(Engines.TENSORS, parity.weights(manager))) {
      Map<String, NDArray> io = parity.io(manager);
      assertClose("logits", engine.logits(model, io.get("input")), io.get("logits"), OUTPUT);
    }
  }

  @ParameterizedTest
  @MethodSource("fp32")
  void givesTheSameLossAndEveryGradient(Engines kind, ParityCase parity) {
    try (NDManager manager = Engines.TENSORS.newManager();
        VitEngine engine = kind.open();
        VitModel model = VitModel.trainable(Engines.TENSORS, parity.weights(manager))) {
      Map<String, NDArray> io = parity.io(manager);
      VitEngine.BatchResult result =
          engine.backward(
              model, io.get("input"), io.get("labels"), Objective.CROSS_ENTROPY, null, Gates.NONE);
      assertThat(result.loss()).isCloseTo(io.get("loss").getFloat(0), within(OUTPUT));
      Map<String, NDArray> expected = parity.gradients(manager);
      assertThat(model.parameters().keySet()).isEqualTo(expected.keySet());
      expected.forEach(
          (name, gradient) ->
              assertClose(
                  name,
                  model.gradient(name, manager),
                  gradient,
                  GRADIENT * gradient.abs().max().getFloat()));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"REFERENCE", "FAST"})
  void walksTheSameFiveAdamWSteps(Engines kind) {
    ParityCase parity = ParityCase.TIMM_GRAY28;
    try (NDManager manager = Engines.TENSORS.newManager();
        VitEngine engine = kind.open();
        VitModel model = VitModel.trainable(Engines.TENSORS, parity.weights(manager));
        AdamW optimizer =
            engine.newOptimizer(model, new AdamWSettings(0.9, 0.999, 1e-8, 0.05, true))) {
      Map<String, NDArray> io = parity.io(manager);
      for (double loss : io.get("adamw.losses").toDoubleArray()) {
        VitEngine.BatchResult result =
            engine.backward(
                model,
                io.get("input"),
                io.get("labels"),
                Objective.CROSS_ENTROPY,
                null,
                Gates.NONE);
        assertThat((double) result.loss()).isCloseTo(loss, within(1e-4));
        optimizer.step(1e-3);
      }
      NDArray logits = engine.logits(model, io.get("input"));
      assertClose("final logits", logits, io.get("adamw.final_logits"), OUTPUT);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"TIMM_GRAY28", "TIMM_DEIT_DISTILLED"})
  void givesTheSameActivationsOnTheWay(ParityCase parity) {
    try (NDManager manager = Engines.TENSORS.newManager();
        VitModel model = VitModel.frozen(Engines.TENSORS, parity.weights(manager))) {
      Map<String, NDArray> io = parity.io(manager);
      Map<String, NDArray> seen = new HashMap<>();
      VitForward.logits(model, io.get("input"), Gates.NONE, seen::put);
      io.forEach(
          (name, expected) -> {
            String tap = name.replaceFirst("^block(\\d)", "blocks.$1").replace(".output", "");
            if (seen.containsKey(tap)) {
              assertClose(name, seen.remove(tap), expected, OUTPUT);
            }
          });
      assertThat(seen.keySet())
          .allMatch(name -> name.matches("embedded|blocks\\.\\d.(entered|attention)"));
    }
  }

  static void assertClose(String what, NDArray found, NDArray expected, float tolerance) {
    assertThat(found.getShape()).as(what).isEqualTo(expected.getShape());
    assertThat(found.sub(expected).abs().max().getFloat())
        .as("largest difference of %s", what)
        .isLessThanOrEqualTo(tolerance);
  }
}
