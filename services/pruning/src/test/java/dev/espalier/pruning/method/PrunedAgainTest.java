package dev.espalier.pruning.method;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.ParameterPhase;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.pruning.PruningMethods;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.evaluation.MaskHonesty;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Uncut;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A model that was pruned and exported is a base model like any other. */
class PrunedAgainTest {

  /** Fewer channels, and in each block other numbers of heads and hidden units. */
  private static final PruningPlan FIRST =
      new PruningPlan(
          TrainedTinyVit.SHAPE,
          range(3, 27),
          List.of(
              BlockPlan.aligned(List.of(0, 2, 3), range(4, 16), range(4, 16), range(0, 40)),
              BlockPlan.aligned(List.of(1, 3), range(0, 8), range(0, 8), range(40, 64)),
              BlockPlan.aligned(range(0, 4), range(0, 16), range(0, 16), range(0, 64))));

  /** As exported and added again. */
  private static final VitWeights PRUNED =
      ModelFile.read(ModelFile.write(Cut.apply(TinyVit.weights(TrainedTinyVit.SHAPE, 21), FIRST)));

  static List<String> methods() {
    return PruningMethods.ALL.stream()
        .map(PruningMethod::descriptor)
        .filter(MethodDescriptor::cuts)
        .map(MethodDescriptor::name)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("methods")
  void everyMethodPrunesAPrunedModelFurther(String name) {
    VitWeights again = cut(PRUNED, PruningMethods.get(name), 0.8);

    double keepRatio =
        Cost.of(again.architecture()).keepRatio(Cost.of(PRUNED.architecture()), TargetKind.MACS);
    // Of three blocks, whole ones leave no choice near the target.
    assertThat(keepRatio).isBetween(name.startsWith("depth-") ? 0.1 : 0.75, 0.85);
  }

  /** Searches, plans and cuts; the cut must be what the mask says. */
  static VitWeights cut(VitWeights base, PruningMethod method, double keepRatio) {
    MethodDescriptor descriptor = method.descriptor();
    Map<String, Object> parameters = new TreeMap<>(descriptor.defaults());
    parameters.putAll(Map.of("targetKind", "macs", "keepRatio", keepRatio));
    parameters.putAll(Map.of("keepRatioFrom", 1.0, "keepRatioTo", keepRatio));
    parameters.replace("epochs", 1L);
    parameters.replace("batchSize", 64L);
    parameters.replace("interval", 1L);
    parameters.replace("alignment", 1L);
    parameters.replace("eta", 0.0); // no table of latencies here
    SearchRequest request = SearchRequest.of(base, parameters, 3).on(TrainedTinyVit.IMAGES);
    try (Search search = method.search(request)) {
      while (!search.finished()) {
        search.step();
      }
      Search.Result found = search.result();
      Optional<byte[]> findings = found.findings();
      Map<String, Object> ofPlan =
          new TreeMap<>(descriptor.parameters(ParameterPhase.PRUNE, parameters));
      ofPlan.put("alignment", 1L);
      PruningPlan plan =
          method.plan(
              new PlanRequest(
                  base.architecture(),
                  found.importance(),
                  findings,
                  TargetKind.MACS,
                  keepRatio,
                  ofPlan));
      Map<String, Tensor> brought = new TreeMap<>(method.brought(plan, findings));
      // Predictors that know what they want: fresh ones keep patches by the last bit.
      TinyVit.weights(plan.uncutArchitecture(), 1)
          .tensors()
          .forEach(
              (name, tensor) ->
                  brought.computeIfPresent(name, (n, was) -> decided(n, was, tensor)));
      VitWeights uncut = Uncut.of(found.weights().orElse(base), plan, brought);
      VitWeights cut = Cut.apply(uncut, plan);
      assertThat(
              MaskHonesty.agreement(
                      TrainedTinyVit.TENSORS,
                      uncut,
                      plan,
                      cut,
                      TrainedTinyVit.DATASET,
                      TrainedTinyVit.DATASET.test(),
                      64)
                  .differing())
          .isZero();
      return cut;
    }
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  private static Tensor decided(String name, Tensor fresh, Tensor random) {
    return name.contains(".predictor.") ? random : fresh;
  }
}
