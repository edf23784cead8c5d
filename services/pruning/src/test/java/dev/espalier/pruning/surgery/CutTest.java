package dev.espalier.pruning.surgery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.Pool;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CutTest {

  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;

  /** Trained weights with the symmetries of training broken: biases and norms not near 0 and 1. */
  private final VitWeights weights = TinyVit.weights(SHAPE, 5);

  static Set<UnitKind> widths() {
    return UnitKind.WIDTHS;
  }

  @ParameterizedTest
  @MethodSource("widths")
  void aMaskedModelComputesWhatTheCutModelComputes(UnitKind kind) {
    PruningPlan plan = halved(SHAPE, EnumSet.of(kind)).plan();

    assertThat(maskedAgainstCut(weights, plan, Masking.FAITHFUL)).isLessThan(1e-5f);
    assertThat(maskedAgainstCut(TrainedTinyVit.weights(), plan, Masking.FAITHFUL))
        .isLessThan(1e-5f);
  }

  @Test
  void theyAgreeWithAllKindsCutTogether() {
    PruningPlan plan = halved(SHAPE, UnitKind.WIDTHS).plan();

    assertThat(maskedAgainstCut(weights, plan, Masking.FAITHFUL)).isLessThan(1e-5f);
    assertThat(maskedAgainstCut(TrainedTinyVit.weights(), plan, Masking.FAITHFUL))
        .isLessThan(1e-5f);
  }

  @ParameterizedTest
  @MethodSource("widths")
  void withPlainLayerNormOnlyResidualChannelsDisagree(UnitKind kind) {
    PruningPlan plan = halved(SHAPE, EnumSet.of(kind)).plan();

    float difference = maskedAgainstCut(weights, plan, Masking.PLAIN_LAYER_NORM);

    if (kind == UnitKind.EMBEDDING) {
      assertThat(difference).isGreaterThan(0.05f);
    } else {
      assertThat(difference).isLessThan(1e-5f);
    }
  }

  @ParameterizedTest
  @MethodSource("widths")
  void weightsSetToZeroUnderMaskedLayerNormComputeTheSame(UnitKind kind) {
    PruningPlan plan = halved(SHAPE, EnumSet.of(kind)).plan();

    assertThat(maskedAgainstCut(weights, plan, Masking.ZERO_WEIGHTS)).isLessThan(1e-5f);
  }

  @Test
  void keepingEverythingChangesNothing() {
    VitWeights cut = Cut.apply(weights, PruningPlan.identity(SHAPE));

    assertThat(cut).isEqualTo(weights);
  }

  @Test
  void theAttentionScaleStaysTheBases() {
    PruningPlan plan = halved(SHAPE, EnumSet.of(UnitKind.QK)).plan();

    VitArchitecture cut = Cut.apply(weights, plan).architecture();

    assertThat(cut.blocks().get(0).qkWidth()).isEqualTo(8);
    assertThat(cut.scaleWidth()).isEqualTo(SHAPE.scaleWidth()).isEqualTo(16);
  }

  @Test
  void oneResidualChannelGoesFromEveryPlaceAtOnce() {
    LiveUnits units = new LiveUnits(SHAPE);
    units.remove(new Pool(UnitKind.EMBEDDING, Pool.EVERYWHERE), List.of(3));

    VitWeights cut = Cut.apply(weights, units.plan());

    assertThat(cut.architecture().embedding()).isEqualTo(31);
    int[] narrow = {31};
    for (String norm : List.of("blocks.0.norm1", "blocks.2.norm2", "norm")) {
      assertThat(cut.tensor(norm + ".weight").shape()).isEqualTo(narrow);
      assertThat(cut.tensor(norm + ".bias").shape()).isEqualTo(narrow);
    }
    assertThat(cut.tensor("pos_embed").shape()).containsExactly(1, 17, 31);
    assertThat(cut.tensor("patch_embed.proj.weight").shape()).containsExactly(31, 1, 2, 2);
    assertThat(cut.tensor("blocks.1.attn.qkv.weight").shape()).containsExactly(192, 31);
    assertThat(cut.tensor("blocks.1.mlp.fc2.weight").shape()).containsExactly(31, 64);
    float[] before = weights.tensor("norm.weight").values();
    assertThat(cut.tensor("norm.weight").values())
        .containsExactly(
            floats(IntStream.range(0, 32).filter(i -> i != 3).mapToObj(i -> before[i]).toList()));
  }

  @Test
  void headsOfUnequalWidthsArePadded() {
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(SHAPE).blocks());
    List<Integer> mlp = blocks.get(0).mlp();
    blocks.set(
        1,
        BlockPlan.msa(
            List.of(
                new HeadPlan(0, List.of(0, 3, 5), List.of(1, 2)),
                new HeadPlan(3, List.of(2), List.of(0, 4, 7, 9))),
            mlp));
    PruningPlan plan = new PruningPlan(SHAPE, PruningPlan.identity(SHAPE).embedding(), blocks);

    VitWeights cut = Cut.apply(weights, plan);

    assertThat(cut.architecture().blocks().get(1).qkWidth()).isEqualTo(3);
    assertThat(cut.architecture().blocks().get(1).vWidth()).isEqualTo(4);
    assertThat(maskedAgainstCut(weights, plan, Masking.FAITHFUL)).isLessThan(1e-5f);
  }

  @Test
  void aBlockOrItsAttentionMayGo() {
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(SHAPE).blocks());
    blocks.set(0, new BlockPlan(false, AttentionKind.MSA, List.of(), List.of()));
    blocks.set(1, new BlockPlan(true, AttentionKind.SKIP, List.of(), List.of(1, 5)));
    PruningPlan plan = new PruningPlan(SHAPE, PruningPlan.identity(SHAPE).embedding(), blocks);

    assertThat(Cut.apply(weights, plan).architecture().depth()).isEqualTo(2);
    assertThat(maskedAgainstCut(weights, plan, Masking.FAITHFUL)).isLessThan(1e-5f);
  }

  @Test
  void weightsOfAnotherShapeAreRefused() {
    PruningPlan plan = PruningPlan.identity(SHAPE);
    VitWeights other = new VitWeights(SHAPE.withWidths(16, SHAPE.blocks()), weights.tensors());

    assertThatThrownBy(() -> Cut.apply(other, plan))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the plan is for");
  }

  @Test
  void aTransplantTakesTrainedUnitsAndFillsFromTheBase() {
    LiveUnits trainedUnits = new LiveUnits(SHAPE);
    Pool mlp = new Pool(UnitKind.MLP, 0);
    trainedUnits.remove(mlp, List.of(0, 1));
    VitWeights trained = TinyVit.weights(SHAPE, 6);

    VitWeights merged = Transplant.merge(weights, trained, trainedUnits.plan());

    float[] row = merged.tensor("blocks.0.mlp.fc1.weight").values();
    assertThat(Arrays.copyOfRange(row, 0, 64))
        .isEqualTo(Arrays.copyOfRange(weights.tensor("blocks.0.mlp.fc1.weight").values(), 0, 64));
    assertThat(Arrays.copyOfRange(row, 64, row.length))
        .isEqualTo(
            Arrays.copyOfRange(trained.tensor("blocks.0.mlp.fc1.weight").values(), 64, row.length));
    float[] column = merged.tensor("blocks.0.mlp.fc2.weight").values();
    assertThat(column[1]).isEqualTo(weights.tensor("blocks.0.mlp.fc2.weight").values()[1]);
    assertThat(column[2]).isEqualTo(trained.tensor("blocks.0.mlp.fc2.weight").values()[2]);
    assertThat(merged.tensor("head.weight")).isEqualTo(trained.tensor("head.weight"));
    assertThat(Cut.apply(merged, trainedUnits.plan()))
        .isEqualTo(Cut.apply(trained, trainedUnits.plan()));
  }

  // ---- helpers ----

  private enum Masking {
    FAITHFUL,
    PLAIN_LAYER_NORM,
    ZERO_WEIGHTS
  }

  private static LiveUnits halved(VitArchitecture vit, Set<UnitKind> kinds) {
    LiveUnits units = new LiveUnits(vit);
    SplittableRandom random = new SplittableRandom(3);
    for (Pool pool : units.pools()) {
      if (kinds.contains(pool.kind())) {
        List<Integer> out = new ArrayList<>(units.units(pool));
        while (out.size() > pool.width(vit) / 2) {
          out.remove(random.nextInt(out.size()));
        }
        units.remove(pool, out);
      }
    }
    return units;
  }

  /** Largest difference of a class score over 16 images. */
  private static float maskedAgainstCut(VitWeights weights, PruningPlan plan, Masking masking) {
    VitWeights full = masking == Masking.ZERO_WEIGHTS ? Transplant.masked(weights, plan) : weights;
    try (VitEngine engine = VitEngine.reference();
        NDManager manager = TrainedTinyVit.TENSORS.newManager();
        VitModel base = VitModel.frozen(TrainedTinyVit.TENSORS, full);
        VitModel cut = VitModel.frozen(TrainedTinyVit.TENSORS, Cut.apply(weights, plan))) {
      int[] indices = IntStream.range(0, 16).toArray();
      NDArray images =
          manager
              .create(TrainedTinyVit.DATASET.batch(TrainedTinyVit.DATASET.test(), indices))
              .reshape(16, 1, 8, 8);
      Gates all = Masks.gates(manager, plan);
      Gates gates =
          switch (masking) {
            case FAITHFUL -> all;
            case PLAIN_LAYER_NORM -> new Gates(all.embedding(), null, all.blocks());
            case ZERO_WEIGHTS -> new Gates(null, all.keptEmbedding(), List.of());
          };
      float[] masked = engine.logits(base, images, gates).toFloatArray();
      float[] sliced = engine.logits(cut, images).toFloatArray();
      float largest = 0;
      for (int i = 0; i < masked.length; i++) {
        largest = Math.max(largest, Math.abs(masked[i] - sliced[i]));
      }
      return largest;
    }
  }

  private static float[] floats(List<Float> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }
}
