package dev.espalier.artifacts.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.safetensors.Safetensors;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FilesTest {

  private static final VitArchitecture TINY = VitArchitecture.uniform(8, 4, 1, 3, 16, 2, 2, 32);
  private static final Tensor X = new Tensor(new int[] {2}, new float[] {1, 2});

  @TempDir Path directory;

  @Test
  void aModelIsOneFileWithItsShapeInside() {
    VitWeights model = new VitWeights(TINY, Map.of("x", X));

    byte[] bytes = ModelFile.write(model);

    assertThat(ModelFile.read(bytes)).isEqualTo(model);
    assertThat(ModelFile.write(ModelFile.read(bytes))).isEqualTo(bytes);
    assertThat(Safetensors.fromBytes(bytes).metadata(ModelFile.ARCHITECTURE))
        .isEqualTo(TINY.toJson());
  }

  @Test
  void anExportedModelIsADirectoryThatLoads() {
    VitWeights model = new VitWeights(TINY, Map.of("x", X));

    ModelFile.export(model, directory.resolve("model"));
    ModelFile.export(model, directory.resolve("model"));

    assertThat(ModelFile.load(directory.resolve("model"))).isEqualTo(model);
    assertThat(directory.resolve("model"))
        .isDirectoryNotContaining(file -> file.getFileName().toString().startsWith("."))
        .isDirectoryContaining("glob:**/architecture.json")
        .isDirectoryContaining("glob:**/model.safetensors");
  }

  @Test
  void aModelWithoutASoundShapeIsRefused() {
    for (String shape : List.of("", "{}", "[]", TINY.toJson().replace(":16", ":-16"))) {
      byte[] bytes = new Safetensors(Map.of(ModelFile.ARCHITECTURE, shape), Map.of()).toBytes();
      assertThatThrownBy(() -> ModelFile.read(bytes)).isInstanceOf(MalformedFileException.class);
    }
    assertThatThrownBy(() -> ModelFile.read(new Safetensors(Map.of(), Map.of()).toBytes()))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining(ModelFile.ARCHITECTURE);
  }

  @Test
  void scoresComeBackAsFloats() {
    Importance importance =
        new Importance(
            new double[] {1, 0.5},
            List.of(
                new BlockImportance(
                    new double[] {1}, new double[] {2, 3}, new double[] {4}, new double[] {5})));

    byte[] bytes = ImportanceFile.write(importance, "magnitude@1");

    assertThat(ImportanceFile.read(bytes)).isEqualTo(importance);
    assertThat(Safetensors.fromBytes(bytes).metadata(ImportanceFile.KIND)).isEqualTo("magnitude@1");
  }

  @Test
  void scoresWithAListMissingOrTooManyAreRefused() {
    Map<String, String> kind = Map.of(ImportanceFile.KIND, "magnitude@1");
    for (Map<String, Tensor> lists :
        List.of(
            Map.of("blocks.0.mlp", X),
            Map.of("embedding", X, "blocks.0.mlp", X),
            Map.of("embedding", X, "more", X))) {
      byte[] bytes = new Safetensors(kind, lists).toBytes();
      assertThatThrownBy(() -> ImportanceFile.read(bytes))
          .isInstanceOf(MalformedFileException.class);
    }
  }

  @Test
  void thePlansDigestIsItsHash() {
    PruningPlan plan = PruningPlan.identity(TINY);

    byte[] bytes = PlanFile.write(plan);

    assertThat(PlanFile.read(bytes)).isEqualTo(plan);
    assertThat(new String(bytes, StandardCharsets.UTF_8)).isEqualTo(plan.toJson());
    for (String text : List.of("", "{}", "nonsense", plan.toJson() + "x", "[".repeat(100_000))) {
      assertThatThrownBy(() -> PlanFile.read(text.getBytes(StandardCharsets.UTF_8)))
          .isInstanceOf(MalformedFileException.class);
    }
  }
}
