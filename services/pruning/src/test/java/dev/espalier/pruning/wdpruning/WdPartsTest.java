package dev.espalier.pruning.wdpruning;

import static dev.espalier.pruning.TrainedTinyVit.DATASET;
import static dev.espalier.pruning.TrainedTinyVit.IMAGES;
import static dev.espalier.pruning.TrainedTinyVit.SHAPE;
import static dev.espalier.pruning.TrainedTinyVit.TENSORS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.sparsity.GateTrials;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.training.TrainingHook;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code methods/wdpruning.md} §9 and §11 ask of masks, budget and first updates alone. */
class WdPartsTest {

  private final NDManager manager = TENSORS.newManager();

  @AfterEach
  void free() {
    manager.close();
  }

  /** §9.1. */
  @Test
  void aThresholdOfTenKeepsAllAndChangesNothing() {
    WidthMasks masks = new WidthMasks(SHAPE, 8, 10, 3, manager);
    Gates gates = masks.gates(manager, true);
    for (int l = 0; l < SHAPE.depth(); l++) {
      Gates.Block block = gates.block(l);
      for (NDArray mask :
          List.of(block.qk(), block.v(), block.mlp(), block.attentionWrites(), block.mlpWrites())) {
        assertThat(mask.toFloatArray()).containsOnly(1);
      }
    }
    VitWeights weights = TrainedTinyVit.weights();
    assertThat(GateTrials.distance(logits(weights, gates), logits(weights, Gates.NONE)))
        .isLessThan(1e-6f);
  }

  /** §9.5: the search's own masks; the fc2 of the last case writes one channel of block 1. */
  @ParameterizedTest
  @ValueSource(strings = {"QKV", "PROJ", "FC1", "FC2", "QKV PROJ FC1 FC2", "FC2 one"})
  void whatTheSearchMasksIsWhatIsCut(String narrowed) {
    WidthMasks masks = new WidthMasks(SHAPE, 1, 10, 3, manager);
    float[] betas = new float[SHAPE.depth() * Sublayer.COUNT];
    Arrays.fill(betas, 10);
    for (Sublayer layer : Sublayer.values()) {
      for (int l = 0; narrowed.contains(layer.name()) && l < SHAPE.depth(); l++) {
        boolean one = narrowed.endsWith("one") && l == 1;
        betas[l * Sublayer.COUNT + layer.ordinal()] =
            one ? -40 : (float) Threshold.of(0.35 + 0.2 * l + 0.05 * layer.ordinal());
      }
    }
    VitModel.assign(masks.thresholds(), new Tensor(new int[] {SHAPE.depth(), 4}, betas));
    int[][] counts = new int[SHAPE.depth()][Sublayer.COUNT];
    for (int l = 0; l < SHAPE.depth(); l++) {
      for (Sublayer layer : Sublayer.values()) {
        int units = layer.units(SHAPE.blocks().get(l), SHAPE.embedding());
        double kept = Threshold.keptShare(betas[l * Sublayer.COUNT + layer.ordinal()]);
        counts[l][layer.ordinal()] = Threshold.kept(kept, units, 1);
      }
    }
    PruningPlan plan = plan(SHAPE, masks.hostScores(), counts);
    VitWeights weights = TrainedTinyVit.weights();

    float[] masked = logits(weights, masks.gates(manager, false));

    assertThat(GateTrials.distance(masked, logits(Cut.apply(weights, plan), Gates.NONE)))
        .isLessThan(1e-5f);
    assertThat(GateTrials.distance(masked, logits(weights, Gates.NONE))).isGreaterThan(1e-3f);
    GateTrials.assertCutIsHonest(weights, plan);
    if (narrowed.endsWith("one")) {
      assertThat(plan.blocks().get(1).wiring().mlpWrites()).hasSize(1);
    }
  }

  /** §9.3: R against the matrices of the model that is cut. */
  @Test
  void theRemainingShareIsThatOfTheCutMatrices() {
    VitArchitecture vit = VitArchitecture.uniform(8, 4, 1, 5, 16, 2, 16, 64);
    double[][] kappas = {{0.75, 0.5, 0.5, 0.25}, {0.25, 0.75, 0.25, 1 - 1e-12}};
    double[][] betas = new double[2][4];
    int[][] counts = new int[2][4];
    float[][][] scores = new float[2][4][];
    for (int l = 0; l < 2; l++) {
      for (Sublayer layer : Sublayer.values()) {
        int i = layer.ordinal();
        int units = layer.units(vit.blocks().get(l), 16);
        betas[l][i] = Threshold.of(kappas[l][i]);
        counts[l][i] = (int) Math.round(kappas[l][i] * units);
        scores[l][i] = new float[units];
      }
    }
    VitWeights cut = Cut.apply(TinyVit.weights(vit, 2), plan(vit, scores, counts));
    long left = 0;
    for (String name : cut.tensors().keySet()) {
      left +=
          name.matches("blocks\\.\\d\\.(attn|mlp)\\..*weight")
              ? cut.tensor(name).values().length
              : 0;
    }
    assertThat(new Remaining(vit).of(betas)).isEqualTo(left / (12.0 * 2 * 16 * 16), within(1e-9));
  }

  /** §9.7: no penalty, no multiplier, and weights that learn as if nothing were to be pruned. */
  @Test
  void aTargetOfOneIsPlainTrainingWithSeveralClassifiers() {
    List<VitWeights> trained = new ArrayList<>();
    for (double prunerRate : new double[] {1e-2, 1e-12}) {
      try (WdSearch search = new WdSearch(request(1, Map.of("prunerLearningRate", prunerRate)))) {
        for (int i = 0; i < 5; i++) {
          search.step();
        }
        assertThat(search.training().multipliers()).containsExactly(0, 0);
        assertThat(search.training().thresholdSlopes()[1]).isZero();
        trained.add(search.run().model().weights());
      }
    }
    assertThat(trained.get(0)).isEqualTo(trained.get(1)).isNotEqualTo(TrainedTinyVit.weights());
  }

  /** §9.9: Adam's first step is its whole rate, for a score and a threshold as for a weight. */
  @Test
  void theFirstUpdateMovesEveryScoreAndThresholdByTheRate() {
    try (WdSearch search = new WdSearch(request(0.5, Map.of("prunerLearningRate", 0.01)))) {
      Map<String, float[]> before = new HashMap<>();
      search
          .training()
          .masks()
          .parameters()
          .forEach((name, array) -> before.put(name, array.toFloatArray()));
      search.step();
      List<Float> moves = new ArrayList<>();
      search
          .training()
          .masks()
          .parameters()
          .forEach(
              (name, array) -> {
                float[] after = array.toFloatArray();
                for (int i = 0; i < after.length; i++) {
                  moves.add(Math.abs(after[i] - before.get(name)[i]));
                }
              });
      // Epsilon shortens the step of a gradient as small as itself, and nothing lengthens one.
      assertThat(moves).hasSize(3 * (4 + 4 + 32 + 64 + 32)).allMatch(move -> move < 0.0101f);
      long whole = moves.stream().filter(move -> move > 0.0099f).count();
      assertThat((double) whole / moves.size()).isGreaterThan(0.95);
    }
  }

  /** §9.11: how far the layers' shares lie apart is reported. */
  @Test
  void saysHowFarTheThresholdsHaveParted() {
    Map<String, Double> seen = new HashMap<>();
    SearchRequest request =
        request(0.5, Map.of("prunerLearningRate", 0.5))
            .observedBy((step, values) -> seen.putAll(values));
    try (WdSearch search = new WdSearch(request)) {
      for (int i = 0; i < 20; i++) {
        search.step();
      }
      double least = 1;
      double most = 0;
      for (double[] block : search.training().masks().betas()) {
        for (double beta : block) {
          least = Math.min(least, Threshold.keptShare(beta));
          most = Math.max(most, Threshold.keptShare(beta));
        }
      }
      assertThat(most).isGreaterThan(least);
      assertThat(seen.get("kept_share_spread")).isEqualTo(most - least);
    }
  }

  /** §9.14. */
  @Test
  void aHeadThatNobodyReadsGetsNoGradientAndGoesFirst() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(TrainedTinyVit.weights().tensors());
    float[] proj = tensors.get("blocks.1.attn.proj.weight").values().clone(); // (32, 64)
    for (int i = 0; i < proj.length; i++) {
      proj[i] = i % 64 / 16 == 2 ? 0 : proj[i];
    }
    tensors.put("blocks.1.attn.proj.weight", new Tensor(new int[] {32, 64}, proj));
    SearchRequest request =
        SearchRequest.of(new VitWeights(SHAPE, tensors), request(0.5, Map.of()).parameters(), 7)
            .on(IMAGES);
    try (WdSearch search = new WdSearch(request)) {
      NDArray labels = manager.create(IntStream.range(0, 32).mapToLong(i -> i % 5).toArray());
      search.training().backward(search.run(), new TrainingHook.Batch(images(), labels));
      NDArray gradient = search.training().parameters().get("wdpruning.blocks.1.qkv").getGradient();
      gradient.attach(manager);
      float[] slopes = gradient.toFloatArray();
      float[] risen = new float[4];
      for (int head = 0; head < 4; head++) {
        assertThat(slopes[head] == 0).as("head %d", head).isEqualTo(head == 2);
        risen[head] = Math.abs(slopes[head]);
      }
      assertThat(Threshold.best(risen, 3)).containsExactly(0, 1, 3);
    }
  }

  /** §11 e. */
  @Test
  void rowsThatAreKeptAddToTheirOwnChannels() {
    BlockShape block =
        BlockShape.msa(1, 1, 1, 1).with(new Wiring(List.of(), List.of(1, 3), List.of(), List.of()));
    VitArchitecture vit = new VitArchitecture(2, 2, 1, 1, 1, 4, 1, 1e-6, List.of(block));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    TinyVit.weights(vit, 1)
        .tensors()
        .forEach(
            (name, tensor) ->
                tensors.put(name, new Tensor(tensor.shape(), new float[tensor.values().length])));
    System.arraycopy(new float[] {1, 2, 3, 4}, 0, tensors.get("cls_token").values(), 0, 4);
    System.arraycopy(
        new float[] {10, 20}, 0, tensors.get("blocks.0.attn.proj.bias").values(), 0, 2);
    List<float[]> left = new ArrayList<>();
    try (VitModel model = VitModel.frozen(TENSORS, new VitWeights(vit, tensors));
        GradientMode off = GradientMode.off()) {
      VitForward.logits(
          model,
          manager.zeros(new Shape(1, 1, 2, 2)),
          Gates.NONE,
          (name, value) -> {
            if (name.equals("blocks.0")) {
              left.add(value.toFloatArray()); // (1, 2, 4), the class token first
            }
          });
    }
    assertThat(Arrays.copyOf(left.get(0), 4)).containsExactly(1, 12, 3, 24);
  }

  // ---- helpers ----

  private static SearchRequest request(double keepRatio, Map<String, Object> others) {
    Map<String, Object> parameters = new HashMap<>(Methods.WDPRUNING.defaults());
    parameters.putAll(Map.of("epochs", 5L, "batchSize", 32L, "learningRate", 1e-3));
    parameters.putAll(Map.of("targetKind", "macs", "keepRatio", keepRatio));
    parameters.putAll(others);
    return SearchRequest.of(TrainedTinyVit.weights(), parameters, 7).on(IMAGES);
  }

  /** As many units of each layer, the best scored ones. */
  private static PruningPlan plan(VitArchitecture vit, float[][][] scores, int[][] counts) {
    PruningPlan whole = PruningPlan.identity(vit);
    List<BlockPlan> blocks = new ArrayList<>();
    for (int l = 0; l < vit.depth(); l++) {
      List<HeadPlan> heads = whole.blocks().get(l).heads();
      blocks.add(
          BlockPlan.msa(
                  Threshold.best(scores[l][0], counts[l][0]).stream().map(heads::get).toList(),
                  Threshold.best(scores[l][2], counts[l][2]))
              .with(
                  new Wiring(
                      List.of(),
                      rows(scores[l][1], counts[l][1]),
                      List.of(),
                      rows(scores[l][3], counts[l][3]))));
    }
    return new PruningPlan(vit, whole.embedding(), blocks);
  }

  /** Written channels; all are an empty list. */
  private static List<Integer> rows(float[] scores, int count) {
    return count == scores.length ? List.of() : Threshold.best(scores, count);
  }

  private NDArray images() {
    int[] indices = IntStream.range(0, 32).toArray();
    return manager.create(DATASET.batch(DATASET.test(), indices)).reshape(32, 1, 8, 8);
  }

  private float[] logits(VitWeights weights, Gates gates) {
    try (VitModel model = VitModel.frozen(TENSORS, weights);
        GradientMode off = GradientMode.off()) {
      return VitForward.logits(model, images(), gates).toFloatArray();
    }
  }
}
