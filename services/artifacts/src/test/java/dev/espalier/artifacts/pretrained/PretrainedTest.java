package dev.espalier.artifacts.pretrained;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.pretrained.Pretrained.Wishes;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.artifacts.safetensors.SafetensorsWriter;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PretrainedTest {

  /** Two heads of the usual width 64. */
  private static final VitArchitecture VIT = VitArchitecture.uniform(8, 4, 3, 5, 128, 2, 2, 192);

  @TempDir Path directory;

  @Test
  void readsTheShapeOffATimmCheckpointAndSaysWhichDefaultsItTook() throws IOException {
    Map<String, Tensor> tensors = random(VIT);

    try (Pretrained model = open(tensors, Wishes.NONE)) {
      assertThat(model.architecture()).isEqualTo(VIT);
      assertThat(model.weights()).isEqualTo(new VitWeights(VIT, tensors));
      assertThat(String.join("; ", model.notes()))
          .contains("2 heads by default (width 128 / 64)")
          .contains("epsilon 1.0E-6 by default, as timm has it");
    }
  }

  @Test
  void asksForTheHeadCountWhereNeitherFileNorDefaultGivesIt() throws IOException {
    VitArchitecture narrow = VitArchitecture.uniform(8, 4, 1, 3, 24, 1, 3, 48);
    Map<String, Tensor> tensors = random(narrow);

    refuses(tensors, Wishes.NONE, "head count");
    try (Pretrained model = open(tensors, heads(3))) {
      assertThat(model.architecture()).isEqualTo(narrow);
    }
    Files.writeString(directory.resolve("config.json"), "{\"model_args\":{\"num_heads\":3}}");
    try (Pretrained model = open(tensors, Wishes.NONE)) {
      assertThat(model.architecture()).isEqualTo(narrow);
      assertThat(model.notes()).contains("3 heads, as config.json says");
    }
    refuses(tensors, heads(5), "blocks.0.attn.qkv.weight");
  }

  @Test
  void readsTransformersConfigurationAndNames() throws IOException {
    Map<String, Tensor> tensors = transformers(random(VIT));
    tensors.put("vit.pooler.dense.bias", new Tensor(new int[] {1}, new float[1]));
    Files.writeString(
        directory.resolve("config.json"),
        "{\"num_attention_heads\":4,\"layer_norm_eps\":1e-5,\"hidden_act\":\"gelu\"}");

    try (Pretrained model = open(tensors, Wishes.NONE)) {
      assertThat(model.architecture().blocks().get(1).heads()).isEqualTo(4);
      assertThat(model.architecture().layerNormEpsilon()).isEqualTo(1e-5);
      assertThat(model.weights().tensors()).isEqualTo(random(VIT));
      assertThat(String.join("; ", model.notes())).contains("vit.pooler.dense.bias");
    }
    Files.writeString(directory.resolve("config.json"), "{\"hidden_act\":\"quick_gelu\"}");
    refuses(tensors, Wishes.NONE, "quick_gelu");
    Files.writeString(directory.resolve("config.json"), "{\"num_attention_heads\":\"4\"}");
    refuses(tensors, Wishes.NONE, "num_attention_heads");
  }

  @Test
  void givesADistillationTokenWithoutAClassifierNoSay() throws IOException {
    Map<String, Tensor> tensors = random(VIT);
    tensors.put("dist_token", tensors.get("cls_token"));
    tensors.put("pos_embed", new Tensor(new int[] {1, 6, 128}, new float[6 * 128]));

    try (Pretrained model = open(tensors, Wishes.NONE)) {
      assertThat(model.architecture().prefixTokens()).isEqualTo(2);
      assertThat(model.tensor("head_dist.weight").values()).containsOnly(0f);
      assertThat(model.tensor("head.bias").values()[1])
          .isEqualTo(2 * tensors.get("head.bias").values()[1]);
    }
  }

  @Test
  void startsANewClassifierWhereTheClassCountDiffers() throws IOException {
    Wishes eight = new Wishes(Optional.empty(), Optional.empty(), Optional.of(8), Optional.empty());
    Map<String, Tensor> tensors = random(VIT);

    try (Pretrained model = open(tensors, eight)) {
      assertThat(model.architecture().classes()).isEqualTo(8);
      assertThat(model.tensor("head.weight").shape()).containsExactly(8, 128);
      assertThat(model.tensor("head.bias").values()).containsOnly(0f);
      assertThat(String.join("; ", model.notes())).contains("the classifier of 5 classes");
      assertThat(checked(model)).isEqualTo(model.architecture());
    }
    tensors.keySet().removeIf(name -> name.startsWith("head"));
    refuses(tensors, Wishes.NONE, "head.weight");
    try (Pretrained model = open(tensors, eight)) {
      assertThat(checked(model).classes()).isEqualTo(8);
    }
  }

  @Test
  void takesAnotherImageSize() throws IOException {
    Wishes larger =
        new Wishes(Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(16));
    try (Pretrained model = open(random(VIT), larger)) {
      assertThat(model.tensor("pos_embed").shape()).containsExactly(1, 17, 128);
      assertThat(checked(model).imageSize()).isEqualTo(16);
    }
    refuses(
        random(VIT),
        new Wishes(Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(10)),
        "multiple of the patch size 4");
  }

  @Test
  void foldsLayerScaleAndFillsInMissingBiasesAndPositions() throws IOException {
    Map<String, Tensor> tensors = random(VIT);
    float[] gamma = new float[128];
    Arrays.fill(gamma, 3);
    for (int l = 0; l < 2; l++) {
      tensors.put("blocks." + l + ".ls1.gamma", new Tensor(new int[] {128}, gamma));
      tensors.remove("blocks." + l + ".attn.qkv.bias");
    }
    tensors.put("pos_embed", new Tensor(new int[] {1, 4, 128}, filled(4 * 128, 1)));

    try (Pretrained model = open(tensors, Wishes.NONE)) {
      VitWeights weights = model.weights();
      assertThat(weights.tensor("blocks.1.attn.proj.weight").values()[7])
          .isEqualTo(3 * tensors.get("blocks.1.attn.proj.weight").values()[7]);
      assertThat(weights.tensor("blocks.1.attn.qkv.bias").values()).containsOnly(0f);
      assertThat(weights.tensor("pos_embed").values()).startsWith(0f).endsWith(1f);
      assertThat(checked(model)).isEqualTo(VIT);
    }
  }

  @Test
  void namesTheTensorThatDoesNotFit() throws IOException {
    refuses(without("blocks.1.norm2.bias"), Wishes.NONE, "blocks.1.norm2.bias");
    refuses(without("pos_embed"), Wishes.NONE, "pos_embed");
    refuses(without("patch_embed.proj.weight"), Wishes.NONE, "patch_embed.proj.weight");
    refuses(with("blocks.0.mlp.fc2.weight", 3, 3), Wishes.NONE, "blocks.0.mlp.fc2.weight");
    refuses(with("pos_embed", 1, 6, 128), Wishes.NONE, "pos_embed");
    refuses(with("fc_norm.weight", 128), Wishes.NONE, "fc_norm.weight");
    refuses(with("blocks.0.attn.q_norm.weight", 128), Wishes.NONE, "blocks.0.attn.q_norm.weight");
    refuses(with("blocks.99999.norm1.weight", 128), Wishes.NONE, "100000 blocks");
    refuses(with("patch_embed.proj.weight", 128, 2, 4, 4), Wishes.NONE, "patch_embed.proj.weight");
    refuses(with("patch_embed.proj.weight", 128, 3, 4, 0), Wishes.NONE, "patch_embed.proj.weight");
    Map<String, Tensor> bad = random(VIT);
    bad.get("norm.weight").values()[3] = Float.NaN;
    try (Pretrained model = open(bad, Wishes.NONE)) {
      assertThatThrownBy(() -> model.write(OutputStream.nullOutputStream()))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageContaining("norm.weight")
          .hasMessageContaining("NaN");
    }
    Map<String, Tensor> twice = transformers(random(VIT));
    twice.put("norm.weight", twice.get("vit.layernorm.weight"));
    refuses(twice, Wishes.NONE, "there twice");
    Map<String, Tensor> half = transformers(random(VIT));
    half.remove("vit.encoder.layer.1.attention.attention.key.weight");
    refuses(half, Wishes.NONE, "vit.encoder.layer.1.attention.attention.query.weight");
  }

  @Test
  void readsBackWhatItExported() throws IOException {
    VitWeights model = new VitWeights(VIT, random(VIT));
    ModelFile.export(model, directory.resolve("out"));

    try (Pretrained again =
        Pretrained.open(PretrainedFiles.find(directory.resolve("out")), Wishes.NONE)) {
      assertThat(again.weights()).isEqualTo(model);
      assertThat(again.notes()).isEmpty();
    }
    assertThatThrownBy(
            () -> Pretrained.open(PretrainedFiles.find(directory.resolve("out")), heads(4)))
        .hasMessageContaining("heads");
  }

  @ParameterizedTest
  @CsvSource({"192, 3, 5717416", "384, 6, 22050664", "768, 12, 86567656"})
  void countsDeitAsItsPaperDoes(int embedding, int heads, long params) throws IOException {
    VitArchitecture deit =
        VitArchitecture.uniform(224, 16, 3, 1000, embedding, 12, heads, 4 * embedding);
    Path file = directory.resolve("deit.safetensors");
    // timm's names, float32, no value held in memory for longer than it is written
    SafetensorsWriter writer = new SafetensorsWriter(Map.of(), ParameterShapes.of(deit));
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
      Map<String, int[]> shapes = ParameterShapes.of(deit);
      writer.write(
          out, name -> new Tensor(shapes.get(name), filled(size(shapes.get(name)), 0.01f)));
    }

    try (Pretrained model = Pretrained.open(PretrainedFiles.find(file), Wishes.NONE)) {
      assertThat(model.architecture()).isEqualTo(deit);
      assertThat(Cost.of(model.architecture()).params()).isEqualTo(params);
      assertThat(size(ParameterShapes.of(deit))).isEqualTo(params);
    }
  }

  // ---- helpers ----

  private Pretrained open(Map<String, Tensor> tensors, Wishes wishes) throws IOException {
    Path file = directory.resolve("checkpoint.safetensors");
    Files.write(file, new Safetensors(Map.of(), tensors).toBytes());
    return Pretrained.open(PretrainedFiles.find(file), wishes);
  }

  private void refuses(Map<String, Tensor> tensors, Wishes wishes, String named) {
    assertThatThrownBy(() -> open(tensors, wishes).close())
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining(named);
  }

  private static VitArchitecture checked(Pretrained model) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    model.write(out);
    return ModelFile.check(new ByteArrayInputStream(out.toByteArray()), out.size());
  }

  private static Wishes heads(int heads) {
    return new Wishes(Optional.of(heads), Optional.empty(), Optional.empty(), Optional.empty());
  }

  private static Map<String, Tensor> without(String name) {
    return changed(tensors -> tensors.remove(name));
  }

  private static Map<String, Tensor> with(String name, int... shape) {
    return changed(tensors -> tensors.put(name, new Tensor(shape, new float[size(shape)])));
  }

  private static Map<String, Tensor> changed(Consumer<Map<String, Tensor>> change) {
    Map<String, Tensor> tensors = random(VIT);
    change.accept(tensors);
    return tensors;
  }

  private static Map<String, Tensor> random(VitArchitecture vit) {
    Random random = new Random(4);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ParameterShapes.of(vit)
        .forEach(
            (name, shape) -> {
              float[] values = new float[size(shape)];
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
              }
              tensors.put(name, new Tensor(shape, values));
            });
    return tensors;
  }

  /** The same tensors under the names of transformers 4. */
  private static Map<String, Tensor> transformers(Map<String, Tensor> timm) {
    Map<String, Tensor> renamed = new LinkedHashMap<>();
    timm.forEach(
        (name, tensor) -> {
          String theirs =
              name.replace("cls_token", "vit.embeddings.cls_token")
                  .replace("pos_embed", "vit.embeddings.position_embeddings")
                  .replace("patch_embed.proj", "vit.embeddings.patch_embeddings.projection")
                  .replace("blocks.", "vit.encoder.layer.")
                  .replace("norm1", "layernorm_before")
                  .replace("norm2", "layernorm_after")
                  .replace("attn.proj", "attention.output.dense")
                  .replace("mlp.fc1", "intermediate.dense")
                  .replace("mlp.fc2", "output.dense")
                  .replaceFirst("^norm", "vit.layernorm")
                  .replaceFirst("^head", "classifier");
          if (!theirs.contains("attn.qkv")) {
            renamed.put(theirs, tensor);
            return;
          }
          String[] parts = {"query", "key", "value"};
          for (int i = 0; i < 3; i++) {
            int third = tensor.values().length / 3;
            int[] shape = tensor.shape().clone();
            shape[0] /= 3;
            renamed.put(
                theirs.replace("attn.qkv", "attention.attention." + parts[i]),
                new Tensor(shape, Arrays.copyOfRange(tensor.values(), i * third, (i + 1) * third)));
          }
        });
    return renamed;
  }

  private static long size(Map<String, int[]> shapes) {
    return shapes.values().stream().mapToLong(PretrainedTest::size).sum();
  }

  private static int size(int[] shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  private static float[] filled(int size, float value) {
    float[] values = new float[size];
    Arrays.fill(values, value);
    return values;
  }
}
