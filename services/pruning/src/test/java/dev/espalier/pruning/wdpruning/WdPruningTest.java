package dev.espalier.pruning.wdpruning;

import static dev.espalier.pruning.TrainedTinyVit.DATASET;
import static dev.espalier.pruning.TrainedTinyVit.IMAGES;
import static dev.espalier.pruning.TrainedTinyVit.SHAPE;
import static dev.espalier.pruning.TrainedTinyVit.TENSORS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.PruningMethods;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.CountedMacs;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Masks;
import dev.espalier.pruning.surgery.Uncut;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.training.Evaluator;
import dev.espalier.pruning.training.TrainingHook;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class WdPruningTest {

  private static Search.Result found;

  /** Share of the matrices at the start and the end of that search, and its target. */
  private static double[] remaining;

  @Test
  void startsAsTheBase() {
    try (WdSearch search = new WdSearch(request(0.5, Map.of("thresholdStart", 10.0)));
        VitEngine engine = VitEngine.reference();
        NDManager manager = TENSORS.newManager();
        VitModel base = VitModel.frozen(TENSORS, TrainedTinyVit.weights())) {
      NDArray images = images(manager);
      assertThat(search.training().masks().hostScores()[0][0].length).isEqualTo(4);
      assertThat(search.training().logits(search.run(), images).toFloatArray())
          .containsExactly(engine.logits(base, images).toFloatArray(), within(1e-5f));
      try (GradientMode off = GradientMode.off()) {
        assertThat(
                VitForward.logits(base, images, search.training().masks().gates(manager, true))
                    .toFloatArray())
            .containsExactly(engine.logits(base, images).toFloatArray(), within(1e-5f));
      }
    }
  }

  @Test
  void aGradientReachesEveryScoreThresholdAndClassifier() {
    try (WdSearch search = new WdSearch(request(0.5, Map.of()));
        NDManager manager = TENSORS.newManager()) {
      NDArray images = images(manager);
      NDArray labels = manager.create(IntStream.range(0, 32).mapToLong(i -> i % 5).toArray());
      search.training().backward(search.run(), new TrainingHook.Batch(images, labels));
      search
          .training()
          .parameters()
          .forEach(
              (name, array) -> {
                NDArray gradient = array.getGradient();
                gradient.attach(manager);
                boolean every = !name.contains("classifiers");
                for (float g : gradient.toFloatArray()) {
                  if (every) {
                    assertThat(g).as(name).isNotZero();
                  }
                }
                assertThat(gradient.norm().getFloat()).as(name).isPositive();
              });
      search.training().afterBackward(search.run());
      assertThat(search.training().multipliers())
          .containsExactly(new double[] {10, 10}, within(1e-3));
    }
  }

  @Test
  void plansMeetTheBudgetAtTheChosenDepth() {
    Search.Result result = found();
    for (TargetKind kind : TargetKind.COUNTED) {
      for (double keep : new double[] {0.65, 0.5, 0.4}) {
        for (double tolerance : new double[] {0, 100}) {
          PruningPlan plan = plan(result, kind, keep, tolerance);
          double cost = plan.cost().keepRatio(Cost.of(SHAPE), kind);
          assertThat(cost).isBetween(keep * 0.99, keep * 1.01);
          plan.blocks().stream()
              .filter(BlockPlan::kept)
              .forEach(
                  block -> {
                    assertThat(block.mlp().size() % 8).isZero();
                    assertThat(Wiring.width(block.wiring().mlpWrites(), 32) % 8).isZero();
                    assertThat(block.mlp().size()).isGreaterThanOrEqualTo(16);
                  });
        }
      }
    }
    assertThat(depth(plan(result, TargetKind.MACS, 0.5, 100))).isLessThan(3);
  }

  @Test
  void keepsTheBestScoredUnitsOfEveryLayer() {
    Search.Result result = found();
    Findings findings = Findings.fromBytes(SHAPE, result.findings().orElseThrow());
    PruningPlan plan = plan(result, TargetKind.MACS, 0.5, 0.5);
    for (int l = 0; l < depth(plan); l++) {
      BlockPlan block = plan.blocks().get(l);
      assertThat(block.headIndices())
          .isEqualTo(Threshold.best(findings.scores()[l][0], block.heads().size()));
      assertThat(block.mlp())
          .isEqualTo(Threshold.best(findings.scores()[l][2], block.mlp().size()));
    }
    double[] kappas =
        IntStream.range(0, 12)
            .mapToDouble(i -> Threshold.keptShare(findings.betas()[i / 4][i % 4]))
            .toArray();
    double spread =
        DoubleStream.of(kappas).max().orElseThrow() - DoubleStream.of(kappas).min().orElseThrow();
    assertThat(spread).as("every layer owns its threshold").isGreaterThan(1e-3);
  }

  @Test
  void remainingShareMovesToItsTarget() {
    found();
    assertThat(remaining[0]).isGreaterThan(0.98);
    assertThat(remaining[1]).isLessThan(remaining[2] * 1.1).isGreaterThan(0.2);
  }

  @Test
  void theMaskedModelIsTheCutModelWithTheExitsClassifier() {
    Search.Result result = found();
    for (double tolerance : new double[] {0, 100}) {
      PruningPlan plan = plan(result, TargetKind.MACS, 0.5, tolerance);
      Map<String, Tensor> brought = new WdPruning().brought(plan, result.findings());
      assertThat(brought.isEmpty()).isEqualTo(depth(plan) == 3);
      VitWeights uncut = Uncut.of(result.weights().orElseThrow(), plan, brought);
      try (VitModel full = VitModel.frozen(TENSORS, uncut);
          VitModel cut = VitModel.frozen(TENSORS, Cut.apply(uncut, plan));
          VitEngine fast = VitEngine.fast(TENSORS, Precision.FP32);
          NDManager manager = TENSORS.newManager();
          GradientMode off = GradientMode.off()) {
        NDArray images = images(manager);
        float[] masked = VitForward.masked(full, images, Masks.gates(manager, plan)).toFloatArray();
        assertThat(VitForward.logits(cut, images, Gates.NONE).toFloatArray())
            .containsExactly(masked, within(1e-5f));
        assertThat(fast.logits(cut, images).toFloatArray()).containsExactly(masked, within(1e-4f));
        assertThat(cut.architecture().depth()).isEqualTo(depth(plan));
        assertThat(CountedMacs.of(TENSORS, cut)).isEqualTo(plan.cost().macs());
      }
    }
  }

  @Test
  void anExitSeesWhatTheTruncatedModelSees() {
    Search.Result result = found();
    Findings findings = Findings.fromBytes(SHAPE, result.findings().orElseThrow());
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(SHAPE).blocks());
    blocks.set(2, BlockPlan.REMOVED);
    PruningPlan two = new PruningPlan(SHAPE, IntStream.range(0, 32).boxed().toList(), blocks);
    VitWeights weights = result.weights().orElseThrow();
    VitWeights cut = Cut.apply(Uncut.of(weights, two, findings.classifiers().get(2)), two);
    try (VitModel full = VitModel.frozen(TENSORS, weights);
        VitModel small = VitModel.frozen(TENSORS, cut);
        WdSearch search = new WdSearch(request(0.5, Map.of()));
        NDManager manager = TENSORS.newManager();
        GradientMode off = GradientMode.off()) {
      findings
          .classifiers()
          .get(2)
          .forEach(
              (name, tensor) ->
                  VitModel.assign(
                      search.training().parameters().get("wdpruning.classifiers.2." + name),
                      tensor));
      NDArray images = images(manager);
      VitForward forward = new VitForward(full, Gates.NONE, (name, value) -> {});
      NDArray x = forward.block(1, forward.block(0, forward.embed(images)));
      assertThat(search.training().classifiers().scores(2, x).toFloatArray())
          .containsExactly(
              VitForward.logits(small, images, Gates.NONE).toFloatArray(), within(1e-5f));
    }
  }

  @Test
  void aResumedSearchEndsBitEqual() {
    Search.Result straight = found();
    byte[] checkpoint;
    try (WdSearch search = new WdSearch(request(0.5, Map.of()))) {
      for (int i = 0; i < 33; i++) {
        search.step();
      }
      checkpoint = search.checkpoint();
    }
    try (WdSearch search = new WdSearch(request(0.5, Map.of()).from(checkpoint))) {
      assertThat(search.steps()).isEqualTo(33);
      while (!search.finished()) {
        search.step();
      }
      assertThat(search.result().findings().orElseThrow())
          .isEqualTo(straight.findings().orElseThrow());
      assertThat(search.result().importance()).isEqualTo(straight.importance());
      assertThat(search.result().weights()).isEqualTo(straight.weights());
    }
  }

  @Test
  void beatsRandomBeforeRecovery() {
    Search.Result result = found();
    PruningPlan plan = plan(result, TargetKind.MACS, 0.5, 0.5);
    VitWeights cut =
        Cut.apply(
            Uncut.of(
                result.weights().orElseThrow(),
                plan,
                new WdPruning().brought(plan, result.findings())),
            plan);
    double random = 0;
    for (int seed = 1; seed <= 3; seed++) {
      try (Search search =
          PruningMethods.get("random")
              .search(SearchRequest.of(TrainedTinyVit.weights(), Map.of(), seed))) {
        search.step();
        PruningPlan chance =
            PruningMethods.get("random")
                .plan(
                    PlanRequest.of(
                        SHAPE,
                        search.result().importance(),
                        search.result().findings(),
                        TargetKind.MACS,
                        0.5,
                        8));
        random = Math.max(random, accuracy(Cut.apply(TrainedTinyVit.weights(), chance)));
      }
    }
    assertThat(accuracy(cut)).isGreaterThan(random);
  }

  @Test
  void refusesABudgetBelowItsFloorAtTheStart() {
    assertThatThrownBy(() -> new WdSearch(request(0.05, Map.of("classifiers", 0L))))
        .hasMessageContaining("keep ratio of macs must be at least 0.");
  }

  // ---- helpers ----

  /** One search at 0.5, made once. */
  private static synchronized Search.Result found() {
    if (found == null) {
      try (WdSearch search = new WdSearch(request(0.5, Map.of()))) {
        double start = search.training().remaining();
        while (!search.finished()) {
          search.step();
        }
        remaining = new double[] {start, search.training().remaining(), search.training().target()};
        found = search.result();
      }
    }
    return found;
  }

  private static SearchRequest request(double keepRatio, Map<String, Object> others) {
    Map<String, Object> parameters = new HashMap<>(Methods.WDPRUNING.defaults());
    parameters.putAll(Map.of("epochs", 5L, "batchSize", 32L, "learningRate", 1e-3));
    parameters.putAll(Map.of("targetKind", "macs", "keepRatio", keepRatio));
    parameters.putAll(others);
    return SearchRequest.of(TrainedTinyVit.weights(), parameters, 7).on(IMAGES);
  }

  private static PruningPlan plan(
      Search.Result result, TargetKind kind, double keepRatio, double tolerance) {
    return new WdPruning()
        .plan(
            new PlanRequest(
                SHAPE,
                result.importance(),
                result.findings(),
                kind,
                keepRatio,
                Map.of("alignment", 8L, "tolerance", tolerance)));
  }

  private static int depth(PruningPlan plan) {
    return plan.cutArchitecture().depth();
  }

  private static NDArray images(NDManager manager) {
    int[] indices = IntStream.range(0, 32).toArray();
    return manager.create(DATASET.batch(DATASET.test(), indices)).reshape(32, 1, 8, 8);
  }

  private static double accuracy(VitWeights weights) {
    try (VitEngine engine = VitEngine.fast(TENSORS, Precision.FP32);
        VitModel model = VitModel.frozen(TENSORS, weights)) {
      return new Evaluator(TENSORS, engine, 160)
          .evaluate(model, DATASET, DATASET.test())
          .top1Accuracy();
    }
  }
}
