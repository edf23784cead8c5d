package dev.espalier.pruning.engine;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.pretrained.Pretrained;
import dev.espalier.artifacts.pretrained.Pretrained.Wishes;
import dev.espalier.artifacts.pretrained.PretrainedFiles;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Checkpoints as people bring them compute, once imported, what PyTorch computes. */
class PretrainedParityTest {

  private static final Path PARITY = Path.of("src/test/resources/parity");

  static Stream<Arguments> checkpoints() {
    return Stream.of(
        Arguments.of(ParityCase.TIMM_GRAY28, "timm-gray28/weights.safetensors"),
        Arguments.of(ParityCase.TIMM_DEIT_DISTILLED, "timm-deit-distilled/weights.safetensors"),
        Arguments.of(ParityCase.HF_VIT, "hf-vit/weights.safetensors"),
        Arguments.of(ParityCase.HF_VIT, "hf-vit/weights-v5-names.safetensors"));
  }

  @ParameterizedTest
  @MethodSource("checkpoints")
  void anImportedCheckpointGivesTheSameLogits(ParityCase parity, String file) throws IOException {
    ByteArrayOutputStream imported = new ByteArrayOutputStream();
    try (Pretrained model =
        Pretrained.open(PretrainedFiles.find(PARITY.resolve(file)), Wishes.NONE)) {
      assertThat(model.architecture()).isEqualTo(parity.architecture);
      model.write(imported);
    }
    ModelFile.check(new ByteArrayInputStream(imported.toByteArray()), imported.size());
    try (NDManager manager = Engines.TENSORS.newManager();
        VitEngine engine = VitEngine.fast(Engines.TENSORS, Precision.FP32);
        VitModel model = VitModel.frozen(Engines.TENSORS, ModelFile.read(imported.toByteArray()))) {
      NDArray logits = engine.logits(model, parity.io(manager).get("input"));
      ParityTest.assertClose("logits", logits, parity.io(manager).get("logits"), 1e-4f);
    }
  }

  @Test
  void aDeitOfRealSizeRuns() {
    VitArchitecture deit = VitArchitecture.uniform(224, 16, 3, 1000, 192, 12, 3, 768);
    try (NDManager manager = Engines.TENSORS.newManager();
        VitEngine engine = VitEngine.fast(Engines.TENSORS, Precision.FP32);
        VitModel model = VitModel.frozen(Engines.TENSORS, VitInitializer.weights(deit, 0))) {
      NDArray images = manager.randomNormal(0, 1, new Shape(2, 3, 224, 224), DataType.FLOAT32);
      NDArray logits = engine.logits(model, images);
      assertThat(logits.getShape()).isEqualTo(new Shape(2, 1000));
      assertThat(logits.isNaN().any().getBoolean()).isFalse();
    }
  }
}
