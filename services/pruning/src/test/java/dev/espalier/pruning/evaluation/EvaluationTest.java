package dev.espalier.pruning.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.TestDevice;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EvaluationTest {

  private static final TensorEngine TENSORS = TensorEngine.start(TestDevice.settings());
  private static final VitArchitecture BASE = VitArchitecture.uniform(8, 4, 1, 4, 32, 3, 2, 64);
  private static final VitWeights WEIGHTS = VitInitializer.weights(BASE, 1);
  private static final ImageDataset IMAGES = images();

  /** Unequal in everything: ragged heads, other widths in each block, the last block gone. */
  private static final PruningPlan RAGGED =
      new PruningPlan(
          BASE,
          range(4, 28),
          List.of(
              BlockPlan.aligned(List.of(1), range(0, 8), range(3, 13), range(10, 42)),
              BlockPlan.msa(
                  List.of(
                      new HeadPlan(0, range(0, 8), range(8, 16)),
                      new HeadPlan(1, range(2, 14), range(0, 12))),
                  range(0, 48)),
              new BlockPlan(false, AttentionKind.MSA, List.of(), List.of())));

  @Test
  void countsWhatTheFormulaSays() {
    for (PruningPlan plan : List.of(PruningPlan.identity(BASE), RAGGED)) {
      try (VitModel model = VitModel.frozen(TENSORS, Cut.apply(WEIGHTS, plan))) {
        assertThat(CountedMacs.of(TENSORS, model)).isEqualTo(plan.cost().macs());
      }
    }
    VitArchitecture distilled = new VitArchitecture(8, 4, 1, 4, 2, 32, 16, 1e-6, BASE.blocks());
    try (VitModel model = VitModel.frozen(TENSORS, VitInitializer.weights(distilled, 1))) {
      assertThat(CountedMacs.of(TENSORS, model)).isEqualTo(Cost.of(distilled).macs());
    }
  }

  @Test
  void findsMaskAndCutEqual() {
    assertThat(difference(RAGGED, Cut.apply(WEIGHTS, RAGGED))).isLessThan(1e-5);
    assertThat(difference(PruningPlan.identity(BASE), WEIGHTS)).isLessThan(1e-5);
  }

  @Test
  void findsACutThatIsNotThePlans() {
    PruningPlan shifted = new PruningPlan(BASE, range(3, 27), RAGGED.blocks());
    assertThat(difference(RAGGED, Cut.apply(WEIGHTS, shifted)))
        .isGreaterThan(ScoreAgreement.TOLERANCE);

    VitWeights cut = Cut.apply(WEIGHTS, RAGGED);
    Map<String, Tensor> tampered = new LinkedHashMap<>(cut.tensors());
    Tensor bias = cut.tensor("blocks.0.mlp.fc2.bias");
    float[] values = bias.values().clone();
    values[5] += 0.1f;
    tampered.put("blocks.0.mlp.fc2.bias", new Tensor(bias.shape(), values));
    assertThat(difference(RAGGED, new VitWeights(cut.architecture(), tampered)))
        .isGreaterThan(ScoreAgreement.TOLERANCE);

    values[5] = Float.NaN;
    assertThat(difference(RAGGED, new VitWeights(cut.architecture(), tampered))).isNaN();
  }

  @Test
  void takesBothModelsInTurns() {
    AtomicInteger forwards = new AtomicInteger();
    try (VitEngine engine = VitEngine.fast(TENSORS, Precision.FP32);
        VitModel base = VitModel.frozen(TENSORS, WEIGHTS);
        VitModel cut = VitModel.frozen(TENSORS, Cut.apply(WEIGHTS, RAGGED))) {
      // A batch larger than the split repeats images.
      SpeedComparison.Pair pair =
          new SpeedComparison.Pair(
              new DjlContender(TENSORS, engine, base), new DjlContender(TENSORS, engine, cut));
      SpeedComparison speed =
          SpeedComparison.measure(
                  List.of(pair), IMAGES, IMAGES.test(), 20, 4, () -> forwards.incrementAndGet())
              .get(0);

      assertThat(forwards).hasValue(SpeedComparison.forwards(1, 4));
      assertThat(speed.baseBatch1().p50Ms()).isPositive();
      assertThat(speed.cutBatch1().p95Ms()).isGreaterThanOrEqualTo(speed.cutBatch1().p50Ms());
      assertThat(speed.cutThroughput()).isEqualTo(20 * 1000 / speed.cutBatch().p50Ms());
      assertThat(speed.speedupThroughput())
          .isEqualTo(speed.baseBatch().p50Ms() / speed.cutBatch().p50Ms());
    }
  }

  /** Writes down who ran, and takes as many milliseconds as its name says. */
  private record Named(int milliseconds, List<Integer> order) implements Contender {
    @Override
    public Pass open(float[] pixels, int batch, int channels, int side) {
      return new Pass() {
        @Override
        public long nanoseconds() {
          order.add(milliseconds);
          return milliseconds * 1_000_000L;
        }

        @Override
        public void close() {
          order.add(-milliseconds);
        }
      };
    }
  }

  @Test
  void eachOfTwoPairsRunsInEveryPlaceAndKeepsItsOwnTimes() {
    List<Integer> order = new ArrayList<>();
    List<SpeedComparison.Pair> pairs =
        List.of(
            new SpeedComparison.Pair(new Named(4, order), new Named(2, order)),
            new SpeedComparison.Pair(new Named(3, order), new Named(1, order)));

    List<SpeedComparison> speeds =
        SpeedComparison.measure(pairs, IMAGES, IMAGES.test(), 20, 4, () -> {});

    assertThat(speeds).extracting(SpeedComparison::speedupBatch1).containsExactly(2.0, 3.0);
    assertThat(speeds.get(1).cutBatch()).isEqualTo(new Timings(1, 1));
    assertThat(order).hasSize(SpeedComparison.forwards(2, 4) + 8);
    assertThat(order.subList(0, 16))
        .containsExactly(4, 2, 3, 1, 2, 3, 1, 4, 3, 1, 4, 2, 1, 4, 2, 3);
    assertThat(order.subList(order.size() - 4, order.size())).containsExactly(-4, -2, -3, -1);
  }

  @Test
  void takesPercentilesByNearestRank() {
    long[] nanoseconds = IntStream.rangeClosed(1, 100).mapToLong(i -> i * 1_000_000L).toArray();

    assertThat(Timings.of(nanoseconds)).isEqualTo(new Timings(50, 95));
    assertThat(Timings.of(new long[] {3_000_000L})).isEqualTo(new Timings(3, 3));
  }

  private static double difference(PruningPlan plan, VitWeights cut) {
    return MaskHonesty.agreement(TENSORS, WEIGHTS, plan, cut, IMAGES, IMAGES.test(), 16)
        .maxAbsDifference();
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  private static ImageDataset images() {
    byte[] pixels = new byte[16 * 64];
    new Random(1).nextBytes(pixels);
    Split split = new Split(pixels, IntStream.range(0, 16).map(i -> i % 4).toArray());
    return new ImageDataset("noise", 1, 8, 4, List.of(0.5), List.of(0.5), split, split, split);
  }
}
