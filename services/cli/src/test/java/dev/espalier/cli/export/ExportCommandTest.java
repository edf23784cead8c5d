package dev.espalier.cli.export;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.FakeScheduler;
import dev.espalier.cli.Run;
import dev.espalier.onnx.OnnxFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExportCommandTest {

  private static final Path PARITY = Path.of("../pruning/src/test/resources/parity");
  private static final String TRIAL = "3f2a-9d0c-s1";
  private static final VitWeights CUT = cut();
  private static final byte[] FILE = ModelFile.write(CUT);
  private static final String SHA256 = sha256(FILE);

  /** The document of one trial, as the scheduler gives it. */
  private static final String DOCUMENT =
      """
      {"sweep":{"id":"3f2a","name":"fashion","state":"COMPLETED",
        "model":{"name":"fashion-vit","sha256":"%1$s"},
        "dataset":{"name":"fashion-mnist","sha256":"%2$s"}},
       "trials":[{"trialId":"3f2a-9d0c-s1","method":"nvit","redistribution":"none",
        "targetKind":"macs","keepRatio":0.5,"seed":1,"state":"SUCCEEDED","stages":["%3$s"],
        "measurements":{"top1_accuracy":0.8412,"base_top1_accuracy":0.8712,"macs":1234567,
         "base_macs":2469134,"onnx_latency_p50_ms":0.5,"base_onnx_latency_p50_ms":1.0},
        "outputs":{"prune/plan":{"sha256":"%2$s","sizeBytes":9},
         "finetune/model":{"sha256":"%4$s","sizeBytes":10}}}],
       "stages":[{"stageId":"%3$s","kind":"FINETUNE","algorithm":"finetune","algorithmVersion":1}],
       "conditions":{"device":"A fast CPU","threads":1,"precision":"fp32","testImages":1000}}
      """
          .formatted("aa".repeat(32), "bb".repeat(32), "cc".repeat(32), SHA256);

  private static final String DATASET =
      """
      {"name":"fashion-mnist","sha256":"%s","summary":{"mean":[0.2860],"std":[0.3530]}}
      """
          .formatted("bb".repeat(32));

  @TempDir Path directory;

  @Test
  void aTrialsModelIsWrittenAsItWasMeasured() throws Exception {
    try (FakeScheduler scheduler = scheduler()) {
      Run run = export(scheduler, TRIAL, "--classes", "7");

      assertThat(run.code()).isEqualTo(ExitCode.BAD_INPUT);
      assertThat(run.err())
          .contains(
              "--classes", "none for a trial, whose model is written as it was measured", "7");
      assertThat(directory).isEmptyDirectory();
    }
  }

  @Test
  void writesATrialsModelInBothFormatsWithACard() throws Exception {
    try (FakeScheduler scheduler = scheduler()) {
      Run run = export(scheduler, TRIAL, "--format", "onnx,safetensors");

      assertThat(run.err()).isEmpty();
      assertThat(run.code()).isEqualTo(ExitCode.DONE);
      assertThat(directory.resolve("model.safetensors")).hasBinaryContent(FILE);
      Path any = Files.writeString(directory.resolve("any"), "");
      assertThat(Files.getPosixFilePermissions(directory.resolve("model.onnx")))
          .isEqualTo(Files.getPosixFilePermissions(any));
      assertThat(directory.resolve("architecture.json")).hasContent(CUT.architecture().toJson());
      assertThat(directory.resolve("model.onnx"))
          .hasBinaryContent(
              OnnxFile.write(CUT, Map.of("espalier.sweep", "3f2a", "espalier.trial", TRIAL)));
      assertThat(Files.readString(directory.resolve(ModelCard.NAME)))
          .contains(
              "# nvit, 50.0 % of the MACs of fashion-vit",
              "| Top-1 accuracy | 84.1 % | 87.1 % |",
              "| MACs for one image | 1,234,567 | 2,469,134 |",
              "| Latency, batch 1, median, ONNX Runtime | 0.50 ms | 1.00 ms |",
              "A fast CPU, 1 thread(s), fp32",
              "| base model | fashion-vit | `" + "aa".repeat(32) + "` |",
              "| step | finetune, finetune@1 | `" + "cc".repeat(32) + "` |",
              "| this model | finetune/model | `" + SHA256 + "` |",
              "Mean [0.286], deviation [0.353].",
              sha256(Files.readAllBytes(directory.resolve("model.onnx"))))
          .doesNotContain("null", "Throughput");
    }
  }

  @Test
  void twoExportsOfATrialAreEqual() throws Exception {
    try (FakeScheduler scheduler = scheduler()) {
      assertThat(export(scheduler, TRIAL).code()).isEqualTo(ExitCode.DONE);
      byte[] card = Files.readAllBytes(directory.resolve(ModelCard.NAME));
      byte[] model = Files.readAllBytes(directory.resolve("model.onnx"));

      assertThat(export(scheduler, TRIAL).code()).isEqualTo(ExitCode.DONE);
      assertThat(directory.resolve(ModelCard.NAME)).hasBinaryContent(card);
      assertThat(directory.resolve("model.onnx")).hasBinaryContent(model);
    }
  }

  @Test
  void aPrunedModelCanBeAddedAgain() throws Exception {
    try (FakeScheduler scheduler = scheduler()) {
      export(scheduler, TRIAL, "--format", "safetensors");
      scheduler
          .answer("POST /artifacts", 201, "{\"sha256\":\"" + SHA256 + "\"}")
          .answer("PUT /models/half", 201, "{\"name\":\"half\"}");

      Run added =
          Run.of("model", "add", "half", directory.toString(), "--server", scheduler.address());
      Run shown = Run.of("model", "show", directory.toString(), "-o", "json");

      assertThat(added.code()).as(added.err()).isEqualTo(ExitCode.DONE);
      assertThat(shown.out()).contains("\"sha256\" : \"" + SHA256 + "\"");
    }
  }

  @Test
  void writesACheckpointWithNothingRunning() {
    Run run =
        Run.of(
            "export",
            PARITY.resolve("hf-vit").toString(),
            "--format",
            "onnx",
            "--out",
            directory.toString(),
            "--data-dir",
            directory.resolve("none").toString(),
            "-o",
            "json");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.DONE);
    assertThat(run.out()).contains("model.onnx", "MODEL_CARD.md", "3 heads");
    assertThat(directory.resolve("model.onnx")).isNotEmptyFile();
    assertThat(directory.resolve("model.safetensors")).doesNotExist();
    assertThat(directory.resolve(ModelCard.NAME))
        .content()
        .contains("# hf-vit", "Read from `hf-vit`", "Parameters", "No images were tried");
  }

  @Test
  void saysWhatIsWrong() throws Exception {
    try (FakeScheduler scheduler = scheduler()) {
      Run unknown = export(scheduler, "nope");
      assertThat(unknown.code()).isEqualTo(ExitCode.BAD_INPUT);
      assertThat(unknown.err()).contains("a trial's id, a model file or a directory", "nope");

      assertThat(export(scheduler, TRIAL, "--format", "pickle").code())
          .isEqualTo(ExitCode.BAD_INPUT);
      assertThat(Run.of("export", TRIAL, "--server", scheduler.address()).code())
          .as("without --out")
          .isEqualTo(ExitCode.BAD_INPUT);

      scheduler.answer("GET /artifacts/" + SHA256, 200, ModelFile.write(other()));
      Run swapped = export(scheduler, TRIAL);
      assertThat(swapped.code()).isEqualTo(ExitCode.FAILED);
      assertThat(swapped.err()).contains("expected the model " + SHA256);

      String running = DOCUMENT.replace("finetune/model", "x").replace("SUCCEEDED", "RUNNING");
      scheduler.answer("GET /trials/" + TRIAL, 200, running);
      Run early = export(scheduler, TRIAL);
      assertThat(early.code()).isEqualTo(ExitCode.FAILED);
      assertThat(early.err()).contains("has no model, it is RUNNING");
    }
    assertThat(directory).isEmptyDirectory();
  }

  private Run export(FakeScheduler scheduler, String trial, String... more) {
    List<String> words = new java.util.ArrayList<>(List.of("export", trial));
    words.addAll(List.of("--out", directory.toString(), "--server", scheduler.address()));
    words.addAll(List.of(more));
    return Run.of(words.toArray(String[]::new));
  }

  private static FakeScheduler scheduler() throws Exception {
    return new FakeScheduler()
        .answer("GET /trials/" + TRIAL, 200, DOCUMENT)
        .answer("GET /datasets/fashion-mnist", 200, DATASET)
        .answer("GET /artifacts/" + SHA256, 200, FILE);
  }

  private static VitWeights cut() {
    return weights(
        List.of(
            new BlockShape(AttentionKind.MSA, 3, 4, 6, 20),
            BlockShape.msa(1, 5, 3, 7).with(new TokenRule.Select(2))),
        0.25f);
  }

  private static VitWeights other() {
    return weights(List.of(BlockShape.msa(1, 5, 3, 7)), 0.5f);
  }

  private static VitWeights weights(List<BlockShape> blocks, float value) {
    VitArchitecture vit = new VitArchitecture(8, 4, 1, 5, 1, 12, 6, 1e-6, blocks);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ParameterShapes.of(vit)
        .forEach(
            (name, shape) -> {
              float[] values = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
              Arrays.fill(values, value);
              tensors.put(name, new Tensor(shape, values));
            });
    return new VitWeights(vit, tensors);
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
