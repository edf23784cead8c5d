package dev.espalier.sweep.spec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.sweep.Specs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SweepSpecReaderTest {

  private final Map<String, Object> tree = Specs.tree();

  @Test
  void fillsInEveryDefault() {
    SweepSpec spec = Specs.spec(tree);
    assertThat(spec.team()).isEqualTo("default");
    assertThat(spec.strategy()).isEqualTo(new Strategy.Grid());
    assertThat(spec.stop()).isEqualTo(new StoppingRule.None());
    assertThat(spec.toTree()).containsEntry("strategy", "grid").doesNotContainKey("stop");
    assertThat(spec.cache()).isTrue();
    assertThat(spec.recipe().batchSize()).isEqualTo(Recipe.DEFAULTS.batchSize());
    assertThat(spec.evaluation()).isEqualTo(Evaluation.DEFAULTS);
    assertThat(spec.methods().get(0).redistribution()).containsExactly("none");
    assertThat(spec.methods().get(0).parameters()).containsExactly(Map.entry("alignment", 8L));
    assertThat(spec.methods().get(1).parameters()).containsEntry("momentum", 0.9);
  }

  @Test
  void readsItsOwnCanonicalFormBackToAnEqualSpec() {
    SweepSpec spec = Specs.spec(tree);
    SweepSpec again = SweepSpecReader.read(Json.parse(spec.canonicalJson())).orThrow();
    assertThat(again).isEqualTo(spec);
    assertThat(again.canonicalJson()).isEqualTo(spec.canonicalJson());
  }

  @Test
  void givesTheSameTextWhetherADefaultIsWrittenOrNot() {
    String left = Specs.spec(tree).canonicalJson();
    tree.put("team", "default");
    tree.put("priority", 0L);
    tree.put("cache", "on");
    tree.put("evaluation", Map.of("runs", 30.0));
    assertThat(Specs.spec(tree).canonicalJson()).isEqualTo(left);
  }

  @Test
  void aCapNamesAnotherSweepAndNoCapNamesTheSame() {
    String uncapped = Specs.spec(tree).canonicalJson();
    assertThat(uncapped).doesNotContain("caps");
    tree.put("caps", Map.of());
    assertThat(Specs.spec(tree).canonicalJson()).isEqualTo(uncapped);

    tree.put("caps", Map.of("deviceHours", 2.5));
    SweepSpec capped = Specs.spec(tree);
    assertThat(capped.caps().deviceHours()).hasValue(2.5);
    assertThat(SweepSpecReader.read(Json.parse(capped.canonicalJson())).orThrow())
        .isEqualTo(capped);

    tree.put("caps", Map.of("deviceHours", 0));
    assertThat(violations())
        .containsExactly(new Violation("caps.deviceHours", "a number in (0, 1000000]", "0"));
  }

  @Test
  void namesAnUnknownFieldAndTheNearestKnownOne() {
    tree.put("sedes", List.of(1L));
    tree.put("recipe", Map.of("epochz", 1L, "colour", "red"));
    assertThat(violations())
        .containsExactlyInAnyOrder(
            new Violation("sedes", "a known field; did you mean seeds?", "unknown field"),
            new Violation("recipe.epochz", "a known field; did you mean epochs?", "unknown field"),
            new Violation(
                "recipe.colour",
                "a known field: one of augmentation, batchSize, clipNorm, cutmix, device,"
                    + " distillationTemperature, distillationWeight, epochs, erasing,"
                    + " labelSmoothing, learningRate, mixup, precision, threads, warmupEpochs,"
                    + " weightDecay",
                "unknown field"));
  }

  @Test
  void namesAnUnknownMethodAndTheKnownOnes() {
    tree.put("methods", List.of(Map.of("name", "l0")));
    assertThat(violations())
        .containsExactly(
            new Violation(
                "methods[0].name", "one of " + String.join(", ", Methods.names()), "\"l0\""));
  }

  @Test
  void namesUnknownAndWrongParametersOfAMethod() {
    tree.put(
        "methods",
        List.of(
            Map.of(
                "name",
                "nvit",
                "parameters",
                Map.of("intervall", 3L, "momentum", 2.0, "mlpChunk", "many"))));
    assertThat(violations())
        .containsExactlyInAnyOrder(
            new Violation(
                "methods[0].parameters.intervall",
                "a known field; did you mean interval?",
                "unknown field"),
            new Violation("methods[0].parameters.momentum", "a number in [0, 0.999]", "2.0"),
            new Violation("methods[0].parameters.mlpChunk", "an integer in [1, 1024]", "\"many\""));
  }

  @Test
  void refusesKeepRatiosOutsideZeroToOneAndText() {
    tree.put("targets", Map.of("macs", Arrays.asList(0L, 1.5, "half", null, Double.NaN, 0.5, 0.5)));
    assertThat(violations())
        .containsExactly(
            new Violation("targets.macs[0]", "a keep ratio in (0, 1]", "0"),
            new Violation("targets.macs[1]", "a keep ratio in (0, 1]", "1.5"),
            new Violation("targets.macs[2]", "a keep ratio in (0, 1]", "\"half\""),
            new Violation("targets.macs[3]", "a keep ratio in (0, 1]", "nothing"),
            new Violation("targets.macs[4]", "a keep ratio in (0, 1]", "NaN"),
            new Violation("targets.macs[6]", "a keep ratio not listed before", "0.5"));
  }

  @Test
  void refusesMissingTargetsAndEmptyOnes() {
    tree.remove("targets");
    assertThat(violations())
        .containsExactly(
            new Violation("targets", "keep ratios under macs, params or latency", "nothing"));
    tree.put("targets", Map.of("macs", List.of()));
    assertThat(violations())
        .containsExactly(new Violation("targets", "at least one keep ratio", "an empty list"));
    tree.put("targets", 0.5);
    assertThat(violations()).containsExactly(new Violation("targets", "an object", "0.5"));
  }

  @Test
  void readsWhatIsDoneToBatchesAndLeavesItOutWhereItIsNothing() {
    assertThat(Specs.spec(tree).canonicalJson()).doesNotContain("mixup", "cutmix", "erasing");
    tree.put(
        "recipe",
        Map.of("augmentation", "rand-augment", "mixup", 0.8, "cutmix", 1L, "erasing", 0.25));
    SweepSpec spec = Specs.spec(tree);
    assertThat(spec.recipe().mixup()).isEqualTo(0.8);
    assertThat(SweepSpecReader.read(spec.toTree()).orThrow()).isEqualTo(spec);
    tree.put("recipe", Map.of("mixup", -1L, "cutmix", "much", "erasing", 1.5, "mixin", 1L));
    assertThat(violations())
        .contains(
            new Violation("recipe.mixup", "a number in [0, 10]", "-1"),
            new Violation("recipe.cutmix", "a number in [0, 10]", "\"much\""),
            new Violation("recipe.erasing", "a number in [0, 1]", "1.5"))
        .extracting(Violation::field)
        .contains("recipe.mixin");
  }

  @Test
  void readsLatencyTargetsOfAnEvaluatedBatch() {
    tree.put("targets", Map.of("latency", List.of(0.5), "latencyRuntime", "onnx"));
    Targets targets = SweepSpecReader.read(tree).orThrow().targets();
    assertThat(targets.of(TargetKind.LATENCY)).containsExactly(0.5);
    assertThat(targets.latencyBatchSize()).isEqualTo(1);
    assertThat(targets.latencyRuntime()).isEqualTo("onnx");
    tree.put("targets", Map.of("latency", List.of(0.5), "latencyBatchSize", 32L));
    assertThat(violations())
        .containsExactly(
            new Violation(
                "targets.latencyBatchSize",
                "1 or evaluation.batchSize, 64: what evaluations measure",
                "32"));
    tree.put("evaluation", Map.of("batchSize", 32L));
    assertThat(SweepSpecReader.read(tree).orThrow().targets().latencyBatchSize()).isEqualTo(32);
    tree.put(
        "targets",
        Map.of("latency", List.of(0L, 0.5), "latencyBatchSize", 0L, "latencyRuntime", "tpu"));
    assertThat(violations())
        .containsExactly(
            new Violation("targets.latency[0]", "a keep ratio in (0, 1]", "0"),
            new Violation("targets.latencyBatchSize", "an integer in [1, 65536]", "0"),
            new Violation("targets.latencyRuntime", "one of djl, onnx", "\"tpu\""));
  }

  @Test
  void sweepsWithoutLatencyKeepTheirText() {
    assertThat(Specs.spec(tree).canonicalJson()).doesNotContain("latency");
    tree.put("targets", Map.of("latency", List.of(0.5)));
    assertThat(Specs.spec(tree).canonicalJson())
        .contains("\"latency\":[0.5]", "\"latencyBatchSize\":1", "\"latencyRuntime\":\"djl\"");
  }

  @Test
  void refusesLatencyTargetsThatAMethodOrABaseCannotMeet() {
    tree.put("targets", Map.of("latency", List.of(0.5)));
    tree.put("methods", List.of("nvit", "vtp"));
    assertThat(SweepSpecCheck.floors(Specs.spec(tree), Specs.BASE))
        .containsExactly(
            new Violation(
                "targets.latency[0]", "a target of macs or params: vtp meets no other", "0.5"));
    tree.put("methods", List.of("nvit-latency"));
    tree.put("targets", Map.of("macs", List.of(0.5)));
    List<BlockShape> blocks = new ArrayList<>(Specs.BASE.blocks());
    blocks.set(3, new BlockShape(AttentionKind.CONV3, 4, 24, 24, 384));
    VitArchitecture convolutions = Specs.BASE.withWidths(96, blocks);
    assertThat(SweepSpecCheck.floors(Specs.spec(tree), convolutions))
        .singleElement()
        .satisfies(
            violation -> {
              assertThat(violation.field()).isEqualTo("model");
              assertThat(violation.expected()).contains("block 3");
            });
  }

  @Test
  void refusesNoSeedsAndDuplicateSeeds() {
    tree.put("seeds", List.of());
    assertThat(violations())
        .containsExactly(
            new Violation("seeds", "a list of 1 to 1000 different integers", "an empty list"));
    tree.remove("seeds");
    assertThat(violations())
        .containsExactly(
            new Violation("seeds", "a list of 1 to 1000 different integers", "nothing"));
    tree.put("seeds", List.of(1L, 2L, 1.0));
    assertThat(violations())
        .containsExactly(new Violation("seeds[2]", "a seed not listed before", "1.0"));
    tree.put("seeds", List.of(1.5, "x"));
    assertThat(violations()).extracting(Violation::field).containsExactly("seeds[0]", "seeds[1]");
  }

  @Test
  void refusesZeroEpochsAndUnknownPrecision() {
    tree.put("recipe", Map.of("epochs", 0L, "precision", "fp16", "learningRate", 0L));
    assertThat(violations())
        .containsExactlyInAnyOrder(
            new Violation("recipe.epochs", "an integer in [1, 10000]", "0"),
            new Violation("recipe.precision", "one of fp32, bf16", "\"fp16\""),
            new Violation("recipe.learningRate", "a number in (0, 1]", "0"));
  }

  @Test
  void reportsEverythingThatIsWrongAtOnce() {
    Map<String, Object> bad = new LinkedHashMap<>();
    bad.put("name", "../../etc/passwd");
    bad.put("model", 7L);
    bad.put("methods", "magnitude");
    bad.put("targets", Map.of("joules", List.of(0.5)));
    bad.put("seeds", "all");
    bad.put("recipe", List.of());
    bad.put("strategy", "luck");
    bad.put("priority", 1e9);
    bad.put("cache", "maybe");
    assertThat(SweepSpecReader.read(bad).violations())
        .extracting(Violation::field)
        .containsExactlyInAnyOrder(
            "name",
            "model",
            "dataset",
            "methods",
            "targets.joules",
            "targets",
            "seeds",
            "recipe",
            "strategy",
            "priority",
            "cache");
  }

  @ParameterizedTest
  @ValueSource(strings = {"asha", "bisection"})
  void refusesToSearchWithAControlThatCutsNothing(String strategy) {
    tree.put("methods", List.of("magnitude", "base-extra-epochs"));
    tree.put("recipe", Map.of("epochs", 4L));
    tree.put("strategy", strategy);
    assertThat(violations())
        .contains(
            new Violation(
                "methods",
                "methods that cut, for a search compares cuts to one keep ratio",
                "base-extra-epochs"));
  }

  @Test
  void refusesARepeatedMethodAndARepeatedPolicy() {
    tree.put(
        "methods",
        List.of(
            Map.of("name", "magnitude"),
            Map.of("name", "magnitude", "parameters", Map.of("alignment", 4L)),
            Map.of("name", "magnitude", "parameters", Map.of("alignment", 8L))));
    assertThat(violations()).extracting(Violation::field).containsExactly("methods[2].name");
    tree.put(
        "methods",
        List.of(Map.of("name", "nvit", "redistribution", List.of("none", "smoth", "none"))));
    assertThat(violations())
        .extracting(Violation::field)
        .containsExactly("methods[0].redistribution[1]", "methods[0].redistribution[2]");
  }

  @Test
  void readsAMethodBehindAnother() {
    tree.put("methods", List.of(Map.of("name", "nvit", "then", "dynamicvit")));
    SweepSpec spec = SweepSpecReader.read(tree).orThrow();
    Then then = spec.methods().get(0).then().orElseThrow();
    assertThat(then.name()).isEqualTo("dynamicvit");
    assertThat(then.share()).isEqualTo(0.5);
    assertThat(then.parameters()).isEqualTo(Methods.DYNAMIC_VIT.defaults());
    assertThat(then.first(0.49)).isEqualTo(0.7);
    assertThat(SweepSpecReader.read(Json.parse(spec.canonicalJson())).orThrow()).isEqualTo(spec);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          nvit      | magnitude  | both prune embedding, they are alternatives
          dynamicvit| dynamicvit | both prune token, they are alternatives
          dynamicvit| magnitude  | the other order: widths go first, then tokens
          vit-slim  | dynamicvit | both prune token, they are alternatives
          spvit     | dynamicvit | a convolution of spvit needs the whole grid of patches
          depth-last| nvit       | a method with one search: nvit is a chain
          magnitude | depth-last | or blocks alone before it: depth-last behind magnitude is neither
          wdpruning | depth-even | both prune block, they are alternatives
          """)
  void refusesMethodsThatConflict(String first, String second, String reason) {
    tree.put("methods", List.of(Map.of("name", first, "then", Map.of("name", second))));
    assertThat(violations()).hasSize(1);
    assertThat(violations().get(0).field()).isEqualTo("methods[0].then.name");
    assertThat(violations().get(0).expected()).contains(reason);
    assertThat(violations().get(0).found()).isEqualTo("\"" + second + "\"");
  }

  @Test
  void namesWhatIsWrongWithAMethodBehindAnother() {
    Map<String, Object> then = new LinkedHashMap<>();
    then.put("name", "dynamicvit");
    then.put("share", 1.0);
    then.put("parameters", Map.of("stages", "many"));
    then.put("colour", "red");
    tree.put("methods", List.of(Map.of("name", "nvit", "then", then)));
    assertThat(violations())
        .extracting(Violation::field)
        .containsExactlyInAnyOrder(
            "methods[0].then.colour", "methods[0].then.share", "methods[0].then.parameters.stages");
    tree.put("methods", List.of(Map.of("name", "nvit", "then", "dynamicvt")));
    assertThat(violations()).extracting(Violation::field).containsExactly("methods[0].then.name");
  }

  @Test
  void holdsBothMethodsOfACombinationToTheirFloorsAndTargets() {
    Map<String, Object> last = Map.of("name", "dynamicvit", "share", 0.05);
    tree.put("methods", List.of(Map.of("name", "magnitude", "then", last)));
    tree.put("targets", Map.of("macs", List.of(0.5, 0.015), "params", List.of(0.5)));
    List<Violation> violations = SweepSpecCheck.floors(Specs.spec(tree), Specs.BASE);
    assertThat(violations)
        .extracting(Violation::field)
        .containsExactly("targets.macs[1]", "targets.params[0]");
    assertThat(violations.get(0).expected()).contains("the floor of dynamicvit");
    assertThat(violations.get(0).found()).endsWith(" of 0.015");
    assertThat(violations.get(1).expected())
        .isEqualTo("a target of macs: dynamicvit meets no other");
  }

  @ParameterizedTest
  @ValueSource(strings = {"text", "", "null"})
  void refusesWhatIsNoObject(String value) {
    assertThat(SweepSpecReader.read(value.equals("null") ? null : value).violations()).hasSize(1);
    assertThat(SweepSpecReader.read(List.of()).violations()).hasSize(1);
  }

  @Test
  void refusesAGridThatIsTooLarge() {
    List<Long> seeds = java.util.stream.LongStream.range(0, 1000).boxed().toList();
    List<Double> ratios =
        java.util.stream.IntStream.rangeClosed(1, 100).mapToObj(i -> i / 100.0).toList();
    tree.put("seeds", seeds);
    tree.put("targets", Map.of("macs", ratios, "params", ratios));
    assertThat(violations())
        .containsExactly(new Violation("", "at most 100000 trials", "600 cells with 1000 seeds"));
  }

  @Test
  void namesTheFloorBelowAKeepRatio() {
    tree.put("targets", Map.of("macs", List.of(0.5, 0.01), "params", List.of(0.001)));
    List<Violation> violations = SweepSpecCheck.floors(Specs.spec(tree), Specs.BASE);
    assertThat(violations)
        .extracting(Violation::field)
        .containsExactly(
            "targets.macs[1]", "targets.macs[1]", "targets.params[0]", "targets.params[0]");
    assertThat(violations.get(0).expected())
        .contains("the floor of magnitude on fashion-vit-96x6")
        .contains("1 head, 8 qk, 8 v, 16 mlp");
    assertThat(violations.get(0).found()).isEqualTo("0.01");
  }

  @Test
  void namesTheFloorThatAMethodHasOfItsOwn() {
    Map<String, Object> one = Map.of("name", "dynamicvit", "parameters", Map.of("stages", 1L));
    tree.put("methods", List.of("dynamicvit", one, "wdpruning", "base-extra-epochs"));
    tree.put("targets", Map.of("macs", List.of(0.5, 0.2)));
    List<Violation> violations = SweepSpecCheck.floors(Specs.spec(tree), Specs.BASE);
    // One predictor in the middle cannot halve the cost, three can, but not take it to a fifth.
    assertThat(violations)
        .extracting(Violation::field)
        .containsExactly("targets.macs[0]", "targets.macs[1]", "targets.macs[1]");
    assertThat(violations)
        .allSatisfy(
            violation ->
                assertThat(violation.expected())
                    .contains("the floor of dynamicvit on fashion-vit-96x6"));
    assertThat(violations).extracting(Violation::found).containsExactly("0.5", "0.2", "0.2");
  }

  @Test
  void refusesToRedistributeWhatIsNoChoiceOfWidths() {
    tree.put(
        "methods",
        List.of(
            Map.of("name", "dynamicvit", "redistribution", List.of("none", "smooth")),
            Map.of("name", "small-from-scratch", "redistribution", List.of("nvit-trend"))));
    assertThat(violations())
        .extracting(Violation::field)
        .containsExactly("methods[0].redistribution[1]", "methods[1].redistribution[0]");
  }

  @Test
  void leavesOutOfTheNameWhatEarlierSweepsCouldNotSay() {
    tree.put("evaluation", Map.of("speed", "every-seed"));
    assertThat(Specs.spec(tree).canonicalJson()).doesNotContain("speed");
    tree.put("evaluation", Map.of("speed", "first-seed"));
    assertThat(Specs.spec(tree).canonicalJson()).contains("first-seed");
    tree.put("evaluation", Map.of("speed", "sometimes"));
    assertThat(violations()).extracting(Violation::field).containsExactly("evaluation.speed");
  }

  @Test
  void readsLabelsAndRefusesThemWhereNothingIsMeasured() {
    Map<String, Object> labels = Map.of("room", "cellar", "device", "A CPU @ 2 GHz");
    tree.put("evaluation", Map.of("labels", labels));
    assertThat(Specs.spec(tree).canonicalJson())
        .contains("\"labels\":{\"device\":\"A CPU @ 2 GHz\",\"room\":\"cellar\"}");
    tree.put("evaluation", Map.of("labels", Map.of("room", 7L, "a b", "x")));
    assertThat(violations())
        .extracting(Violation::toString)
        .containsExactlyInAnyOrder(
            "evaluation.labels: expected names of 1 to 64 letters, digits, '.', '_' or '-', the"
                + " first a letter or digit, found \"a b\"",
            "evaluation.labels.room: expected a text of 1 to 128 printable ASCII characters,"
                + " found 7");
    tree.put("methods", List.of("magnitude"));
    tree.put("targets", Map.of("macs", List.of(0.5)));
    tree.put("evaluation", Map.of("speed", "none", "labels", labels));
    assertThat(violations())
        .extracting(Violation::toString)
        .containsExactly(
            "evaluation.labels: expected none where no speed is measured (evaluation.speed is none)"
                + ", found an object");
    tree.put("targets", Map.of("latency", List.of(0.5)));
    assertThat(violations()).as("a latency table is measured").isEmpty();
  }

  @Test
  void suggestsTheRegisteredNameThatIsNear() {
    assertThat(
            SweepSpecCheck.unregistered(
                "model", "model", "fashion-vit-96x5", List.of("fashion-vit-96x6", "deit")))
        .isEqualTo(
            new Violation(
                "model",
                "a registered model; did you mean fashion-vit-96x6?",
                "\"fashion-vit-96x5\""));
  }

  @Test
  void showsNoMoreThanALineOfWhatCame() {
    tree.put("name", "x\n".repeat(10_000));
    assertThat(violations().get(0).found()).hasSizeLessThan(120).doesNotContain("\n");
  }

  private List<Violation> violations() {
    return SweepSpecReader.read(tree).violations();
  }
}
