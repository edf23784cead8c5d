package dev.espalier.pruning.sparsity;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.pruning.PruningMethods;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.CountedMacs;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Masks;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.Evaluator;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.IntStream;

/** What tests of methods with trained gates share. */
public final class GateTrials {

  private static final Map<String, Object> BY_FOUR = Map.of("alignment", 4L);

  private GateTrials() {}

  /** A short search on the small trained model. */
  public static SearchRequest request(PruningMethod method, Map<String, Object> others) {
    return request(method, others, 7);
  }

  private static SearchRequest request(
      PruningMethod method, Map<String, Object> others, long seed) {
    Map<String, Object> parameters = new HashMap<>(method.descriptor().defaults());
    parameters.putAll(Map.of("epochs", 1L, "batchSize", 32L));
    parameters.putAll(others);
    return SearchRequest.of(TrainedTinyVit.weights(), parameters, seed).on(TrainedTinyVit.IMAGES);
  }

  /** One step of a search moves more than 99 % of each gate's numbers. */
  public static void assertAStepMovesEveryGate(PruningMethod method, GateSet set) {
    try (SparsitySearch search = new SparsitySearch(request(method, Map.of()), set)) {
      Map<String, Tensor> before = search.gates().values();
      search.step();
      search
          .gates()
          .values()
          .forEach(
              (name, after) -> {
                float[] was = before.get(name).values();
                float[] is = after.values();
                long moved = IntStream.range(0, is.length).filter(i -> is[i] != was[i]).count();
                assertThat((double) moved / is.length).as(name).isGreaterThan(0.99);
              });
    }
  }

  /** The result of a search that runs to its end. */
  public static Search.Result finish(Search search) {
    while (!search.finished()) {
      search.step();
    }
    return search.result();
  }

  /** Gates drawn from a seed. */
  public static Map<String, Tensor> values(GateSet set, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> values = new LinkedHashMap<>();
    set.shapes()
        .forEach(
            (name, shape) -> {
              int[] lengths = Arrays.stream(shape).mapToInt(i -> (int) i).toArray();
              int size = Arrays.stream(lengths).reduce(1, (a, b) -> a * b);
              values.put(name, new Tensor(lengths, TinyVit.normal(random, size, 0.6, 0.3)));
            });
    return values;
  }

  /** A plan of the small trained model. */
  public static PruningPlan plan(
      PruningMethod method,
      Map<String, Tensor> values,
      TargetKind kind,
      double keepRatio,
      Map<String, Object> parameters) {
    return method.plan(
        new PlanRequest(
            TrainedTinyVit.SHAPE,
            null,
            Optional.of(new Safetensors(Map.of(), values).toBytes()),
            kind,
            keepRatio,
            parameters));
  }

  /** A backward pass of a loss without any slope. */
  public static void withoutLoss(GateTraining gates) {
    try (GradientMode recording = GradientMode.recording();
        NDManager manager = TrainedTinyVit.TENSORS.newManager()) {
      for (NDArray gate : gates.parameters().values()) {
        TensorEngine.backward(gate.mul(manager.zeros(gate.getShape())).sum());
      }
    }
  }

  /** Class scores of that many test images under gates, by the reference engine. */
  public static float[] logits(
      VitWeights weights, int images, Function<NDManager, Gates> gates, boolean masked) {
    try (NDManager manager = TrainedTinyVit.TENSORS.newManager();
        GradientMode off = GradientMode.off();
        VitModel model = VitModel.frozen(TrainedTinyVit.TENSORS, weights)) {
      int[] indices = IntStream.range(0, images).toArray();
      NDArray batch =
          manager
              .create(TrainedTinyVit.DATASET.batch(TrainedTinyVit.DATASET.test(), indices))
              .reshape(images, 1, 8, 8);
      Gates placed = gates.apply(manager);
      return (masked
              ? VitForward.masked(model, batch, placed)
              : VitForward.logits(model, batch, placed))
          .toFloatArray();
    }
  }

  /** Largest difference of two lists of scores. */
  public static float distance(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b);
    float largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i] - b[i]));
    }
    return largest;
  }

  /** Masked equals cut for 1 and 5 images, counted costs equal predicted ones. */
  public static void assertCutIsHonest(VitWeights full, PruningPlan plan) {
    VitWeights uncut = new VitWeights(plan.uncutArchitecture(), full.tensors());
    VitWeights cut = Cut.apply(full, plan);
    for (int images : new int[] {1, 5}) {
      float[] masked = logits(uncut, images, manager -> Masks.gates(manager, plan), true);
      float[] sliced = logits(cut, images, manager -> Gates.NONE, false);
      assertThat(distance(masked, sliced)).isLessThan(1e-5f);
    }
    try (VitModel model = VitModel.frozen(TrainedTinyVit.TENSORS, cut)) {
      assertThat(CountedMacs.of(TrainedTinyVit.TENSORS, model)).isEqualTo(plan.cost().macs());
    }
    assertThat(cut.tensors().values().stream().mapToLong(t -> t.values().length).sum())
        .isEqualTo(plan.cost().params());
  }

  /** The plan's cost over the target's. */
  public static double ofTarget(PruningPlan plan, TargetKind kind, double keepRatio) {
    return plan.cost().keepRatio(Cost.of(plan.base()), kind) / keepRatio;
  }

  /** Share of test images that a cut model, not recovered, gets right. */
  public static double accuracy(VitWeights full, PruningPlan plan) {
    try (VitEngine engine = VitEngine.reference();
        VitModel model = VitModel.frozen(TrainedTinyVit.TENSORS, Cut.apply(full, plan))) {
      return new Evaluator(TrainedTinyVit.TENSORS, engine, 160)
          .evaluate(model, TrainedTinyVit.DATASET, TrainedTinyVit.DATASET.test())
          .top1Accuracy();
    }
  }

  /**
   * By how much accuracy before recovery exceeds that of the same method's plans from random gates,
   * cut from the same weights; mean over three searches and three MACs targets.
   */
  public static double marginOverChance(PruningMethod method, GateSet set) {
    double sum = 0;
    int cuts = 0;
    for (long seed = 1; seed <= 3; seed++) {
      try (Search search = method.search(request(method, Map.of("epochs", 6L), seed))) {
        Search.Result found = finish(search);
        VitWeights weights = found.weights().orElseThrow();
        Map<String, Tensor> gates = Safetensors.fromBytes(found.findings().orElseThrow()).tensors();
        for (double keepRatio : new double[] {0.7, 0.6, 0.5}) {
          double kept = accuracy(weights, plan(method, gates, TargetKind.MACS, keepRatio, BY_FOUR));
          double byChance = accuracyByChance(method, set, weights, keepRatio);
          System.out.printf(
              "%s at %.1f before recovery: %.3f, by chance %.3f%n",
              method.descriptor().name(), keepRatio, kept, byChance);
          sum += kept - byChance;
          cuts++;
        }
      }
    }
    return sum / cuts;
  }

  private static double accuracyByChance(
      PruningMethod method, GateSet set, VitWeights full, double keepRatio) {
    return IntStream.range(0, 3)
        .mapToDouble(
            seed ->
                accuracy(
                    full, plan(method, values(set, seed), TargetKind.MACS, keepRatio, BY_FOUR)))
        .average()
        .orElseThrow();
  }

  /** A search cut in the middle and resumed ends in the same bits as one that was not. */
  public static void assertResumesBitEqual(String method) {
    SearchRequest request = request(PruningMethods.get(method), Map.of());
    Search.Result straight;
    try (Search search = PruningMethods.get(method).search(request)) {
      straight = finish(search);
    }
    byte[] checkpoint;
    try (Search search = PruningMethods.get(method).search(request)) {
      for (int i = 0; i < 7; i++) {
        search.step();
      }
      checkpoint = search.checkpoint();
    }
    try (Search search = PruningMethods.get(method).search(request.from(checkpoint))) {
      assertThat(search.steps()).isEqualTo(7);
      Search.Result resumed = finish(search);
      assertThat(resumed.findings().orElseThrow()).isEqualTo(straight.findings().orElseThrow());
      assertThat(resumed.importance()).isEqualTo(straight.importance());
      assertThat(resumed.weights()).isEqualTo(straight.weights());
      resumed.importance().checkFits(TrainedTinyVit.SHAPE);
    }
  }
}
