package dev.espalier.pruning.nvit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.Chunk;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.Pool;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Masks;
import dev.espalier.pruning.surgery.Transplant;
import dev.espalier.pruning.training.Evaluator;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NvitTest {

  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;

  @Test
  void removesTheConfiguredNumberOfChunksAtEachStepUntilTheBudgetIsMet() {
    try (NvitSearch search = open(link(1, 0.7))) {
      finish(search);
      List<List<Chunk>> removals = search.pruning().removals();

      assertThat(removals).hasSizeGreaterThan(3);
      assertThat(removals.subList(0, removals.size() - 1)).allMatch(step -> step.size() == 2);
      assertThat(removals.get(removals.size() - 1)).hasSizeBetween(1, 2);
      LiveUnits replayed = new LiveUnits(SHAPE);
      List<Chunk> all = removals.stream().flatMap(List::stream).toList();
      for (Chunk chunk : all.subList(0, all.size() - 1)) {
        replayed.remove(chunk.pool(), chunk.units());
      }
      assertThat(keepRatio(replayed)).isGreaterThan(0.7);
      assertThat(search.steps() % 2).as("steps end with intervals").isZero();
      PruningPlan plan = plan(search.result(), 0.7);
      assertThat(plan.cost().keepRatio(Cost.of(SHAPE), TargetKind.MACS) / 0.7)
          .isBetween(0.99, 1.01);
      for (int l = 0; l < SHAPE.depth(); l++) {
        assertThat(plan.blocks().get(l).heads().stream().map(head -> head.qk()).distinct())
            .as("all heads of a block keep the same channels")
            .hasSize(1);
      }
    }
  }

  @Test
  void scoresComeFromTheCrossEntropyAloneUntilSomethingIsPruned() {
    Objective recipe = new Objective(0, 100, 3);
    try (NvitSearch search = open(link(1, 0.9))) {
      while (search.pruning().removals().isEmpty()) {
        assertThat(search.pruning().objective(null, recipe).distils()).isFalse();
        search.step();
      }
      assertThat(search.steps()).isEqualTo(2);
      assertThat(search.pruning().objective(null, recipe)).isEqualTo(recipe);
    }
  }

  @Test
  void prunedWeightsStayZeroThroughFiftyMoreUpdates() {
    try (NvitSearch search = open(link(1, 0.7))) {
      finish(search);
      for (int i = 0; i < 50; i++) {
        search.run().step();
      }
      VitWeights weights = search.run().model().weights();
      LiveUnits units = search.pruning().units();
      VitWeights masked = Transplant.masked(weights, units.plan());
      weights
          .tensors()
          .forEach(
              (name, tensor) -> {
                float[] zeroed = masked.tensor(name).values();
                for (int i = 0; i < zeroed.length; i++) {
                  assertThat(tensor.values()[i] == zeroed[i]).as("%s %d", name, i).isTrue();
                }
              });
      assertThat(units.count(new Pool(UnitKind.MLP, 0))).isLessThan(64);
      assertThat(weights.tensors().values())
          .allSatisfy(
              tensor -> {
                for (float value : tensor.values()) {
                  assertThat(Float.isFinite(value)).isTrue();
                }
              });
    }
  }

  @Test
  void theModelThatTrainsIsTheCutModel() {
    LiveUnits withoutTwo = new LiveUnits(SHAPE);
    withoutTwo.remove(new Pool(UnitKind.EMBEDDING, Pool.EVERYWHERE), List.of(5, 9));
    VitWeights base = Transplant.masked(TrainedTinyVit.weights(), withoutTwo.plan());
    Map<String, Object> parameters = new HashMap<>(link(1, 0.6).parameters());
    parameters.put("embeddingChunk", 1L);
    SearchRequest request = SearchRequest.of(base, parameters, 7).on(TrainedTinyVit.IMAGES);
    try (NvitSearch search = new NvitSearch(request);
        VitEngine engine = VitEngine.reference();
        NDManager manager = TrainedTinyVit.TENSORS.newManager()) {
      finish(search);
      PruningPlan plan = search.pruning().units().plan();
      assertThat(plan.embedding()).as("channels that are zero go first").doesNotContain(5, 9);
      NDArray images = images(manager, IntStream.range(0, 32).toArray());

      float[] training =
          engine.logits(search.run().model(), images, search.pruning().gates(null)).toFloatArray();

      VitWeights weights = search.result().weights().orElseThrow();
      assertThat(weights.architecture()).isEqualTo(SHAPE);
      try (VitModel full = VitModel.frozen(TrainedTinyVit.TENSORS, weights);
          VitModel cut = VitModel.frozen(TrainedTinyVit.TENSORS, Cut.apply(weights, plan))) {
        assertClose(engine.logits(cut, images).toFloatArray(), training);
        assertClose(
            engine.logits(full, images, Masks.gates(manager, plan)).toFloatArray(), training);
      }
    }
  }

  @Test
  void aResumedLinkEndsBitEqual() {
    Search.Result straight;
    try (NvitSearch search = open(link(1, 0.75))) {
      finish(search);
      straight = search.result();
    }
    byte[] checkpoint;
    try (NvitSearch search = open(link(1, 0.75))) {
      for (int i = 0; i < 5; i++) {
        search.step(); // in the middle of an interval
      }
      checkpoint = search.checkpoint();
    }
    try (NvitSearch search = new NvitSearch(link(1, 0.75).from(checkpoint))) {
      assertThat(search.steps()).isEqualTo(5);
      finish(search);

      assertThat(search.result().findings().orElseThrow())
          .isEqualTo(straight.findings().orElseThrow());
      assertThat(search.result().importance()).isEqualTo(straight.importance());
      assertThat(search.result().weights()).isEqualTo(straight.weights());
    }
  }

  @Test
  void aChainOfLinksGoesOnWhereTheLastOneStopped() {
    Search.Result first;
    long firstSteps;
    LiveUnits before;
    try (NvitSearch search = open(link(1, 0.85))) {
      finish(search);
      first = search.result();
      firstSteps = search.run().steps();
      before = search.pruning().units().copy();
    }
    byte[] checkpoint;
    byte[] straight;
    try (NvitSearch search = new NvitSearch(link(0.85, 0.7).after(trajectory(first)))) {
      assertThat(search.steps()).isZero();
      assertThat(search.run().steps()).isEqualTo(firstSteps);
      search.step();
      checkpoint = search.checkpoint();
      finish(search);
      for (Pool pool : before.pools()) {
        assertThat(before.units(pool)).containsAll(search.pruning().units().units(pool));
      }
      assertThat(search.pruning().keepRatio()).isLessThan(0.75);
      assertThat(search.progress()).isEqualTo(1);
      straight = trajectory(search.result());
    }
    try (NvitSearch search =
        new NvitSearch(link(0.85, 0.7).after(trajectory(first)).from(checkpoint))) {
      assertThat(search.steps()).isEqualTo(1);
      finish(search);
      assertThat(trajectory(search.result())).isEqualTo(straight);
    }
  }

  @Test
  void aLinkWhoseBudgetIsMetAlreadyHasNothingToDo() {
    Search.Result first;
    // The last chunk may be left to the next link, so where it ends depends on what was learned.
    double reached;
    try (NvitSearch search = open(link(1, 0.8))) {
      finish(search);
      first = search.result();
      reached = search.pruning().keepRatio();
    }
    SearchRequest next = link(reached + 0.03, reached + 0.001);
    try (NvitSearch search = new NvitSearch(next.after(trajectory(first)))) {
      assertThat(search.finished()).isTrue();
      assertThat(search.result().importance()).isEqualTo(first.importance());
    }
  }

  @Test
  void aPlanKeepsToTheAlignmentThatItIsAskedFor() {
    try (NvitSearch search = open(link(1, 0.7))) {
      finish(search);
      for (int alignment : new int[] {4, 8, 16}) {
        PruningPlan plan =
            Nvit.plain()
                .plan(
                    PlanRequest.of(
                        SHAPE,
                        search.result().importance(),
                        search.result().findings(),
                        TargetKind.MACS,
                        0.7,
                        alignment));
        plan.blocks()
            .forEach(
                block -> {
                  assertThat(block.qkWidth() % alignment).isZero();
                  assertThat(block.vWidth() % alignment).isZero();
                  assertThat(block.mlp().size() % alignment).isZero();
                });
        assertThat(plan.embedding().size() % alignment).isZero();
      }
    }
  }

  @Test
  void aPlanNeedsATrajectoryOfItsBase() {
    try (NvitSearch search = open(link(1, 0.9))) {
      finish(search);
      Search.Result result = search.result();
      assertThatThrownBy(
              () ->
                  Nvit.plain()
                      .plan(
                          PlanRequest.of(
                              SHAPE,
                              result.importance(),
                              Optional.empty(),
                              TargetKind.MACS,
                              0.9,
                              4)))
          .hasMessageContaining("needs the findings");
      VitArchitecture other = VitArchitecture.uniform(8, 2, 1, 5, 32, 2, 2, 64);
      assertThatThrownBy(
              () ->
                  Nvit.plain()
                      .plan(
                          PlanRequest.of(
                              other,
                              result.importance(),
                              result.findings(),
                              TargetKind.MACS,
                              0.9,
                              4)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> new NvitSearch(link(0.9, 0.8).after(new byte[100])))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void keepsMoreAccuracyThanChance() {
    try (NvitSearch search = open(link(1, 0.6));
        VitEngine engine = VitEngine.reference()) {
      finish(search);
      VitWeights cut =
          Cut.apply(search.result().weights().orElseThrow(), plan(search.result(), 0.6));
      try (VitModel model = VitModel.frozen(TrainedTinyVit.TENSORS, cut)) {
        assertThat(
                new Evaluator(TrainedTinyVit.TENSORS, engine, 160)
                    .evaluate(model, TrainedTinyVit.DATASET, TrainedTinyVit.DATASET.test())
                    .top1Accuracy())
            .isGreaterThan(0.5); // five classes
      }
    }
  }

  // ---- helpers ----

  static SearchRequest link(double from, double to) {
    Map<String, Object> parameters = new HashMap<>(Methods.NVIT.defaults());
    parameters.put("interval", 2L);
    parameters.put("chunksPerStep", 2L);
    parameters.put("mlpChunk", 8L);
    parameters.put("batchSize", 32L);
    parameters.put("learningRate", 1e-3);
    parameters.put("targetKind", "macs");
    parameters.put("keepRatioFrom", from);
    parameters.put("keepRatioTo", to);
    return SearchRequest.of(TrainedTinyVit.weights(), parameters, 7).on(TrainedTinyVit.IMAGES);
  }

  private static NvitSearch open(SearchRequest request) {
    return new NvitSearch(request);
  }

  static void finish(Search search) {
    while (!search.finished()) {
      search.step();
    }
  }

  private static byte[] trajectory(Search.Result result) {
    return result.findings().orElseThrow();
  }

  private static PruningPlan plan(Search.Result result, double keepRatio) {
    return Nvit.plain()
        .plan(
            PlanRequest.of(
                SHAPE, result.importance(), result.findings(), TargetKind.MACS, keepRatio, 4));
  }

  private static double keepRatio(LiveUnits units) {
    return units.cost().keepRatio(Cost.of(SHAPE), TargetKind.MACS);
  }

  static NDArray images(NDManager manager, int... indices) {
    return manager
        .create(TrainedTinyVit.DATASET.batch(TrainedTinyVit.DATASET.test(), indices))
        .reshape(indices.length, 1, 8, 8);
  }

  private static void assertClose(float[] found, float[] expected) {
    List<Float> differences = new ArrayList<>();
    for (int i = 0; i < found.length; i++) {
      differences.add(Math.abs(found[i] - expected[i]));
    }
    assertThat(differences).allSatisfy(d -> assertThat(d).isEqualTo(0, within(1e-5f)));
  }
}
