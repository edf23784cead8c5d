package dev.espalier.sweep.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.Methods;
import dev.espalier.sweep.Specs;
import dev.espalier.sweep.assignment.Capability;
import dev.espalier.sweep.assignment.Worker;
import dev.espalier.sweep.spec.MethodLabels;
import dev.espalier.sweep.strategy.SearchSize;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PlannerTest {

  private final Map<String, Object> tree = Specs.tree();

  @Test
  void unfoldsEveryCellWithEverySeed() {
    tree.put("seeds", List.of(1L, 2L, 3L));
    SweepPlan plan = plan();
    assertThat(plan.cells())
        .extracting(Cell::title)
        .containsExactly(
            "magnitude, macs 0.7",
            "magnitude, macs 0.5",
            "nvit, macs 0.7",
            "nvit, macs 0.5",
            "nvit + smooth, macs 0.7",
            "nvit + smooth, macs 0.5");
    assertThat(plan.trials()).hasSize(18);
    assertThat(plan.trials()).extracting(Trial::trialId).doesNotHaveDuplicates();
    assertThat(plan.trials().get(0).trialId())
        .isEqualTo("%s-%s-s1".formatted(plan.sweepId(), plan.cells().get(0).id()))
        .matches("[0-9a-f]{16}-[0-9a-f]{8}-s1");
  }

  @Test
  void walksAOneShotMethodFromSearchToEvaluation() {
    List<PlannedStage> stages = plan().trials().get(0).stages();
    assertThat(stages)
        .extracting(stage -> stage.spec().kind())
        .containsExactly(StageKind.SEARCH, StageKind.PRUNE, StageKind.FINETUNE, StageKind.EVALUATE);
    assertThat(stages.get(0).spec().seed()).isZero();
    assertThat(stages.get(0).spec().numerics()).isEqualTo(Numerics.HOST);
    assertThat(roles(stages.get(0))).containsExactly("base");
    assertThat(roles(stages.get(1))).containsExactly("importance", "base");
    assertThat(roles(stages.get(2))).containsExactly("plan", "base", "dataset");
    assertThat(roles(stages.get(3)))
        .containsExactly("model", "plan", "unrecovered", "base", "dataset");
    assertThat(stages.get(1).spec().parameters())
        .containsOnly(
            Map.entry("alignment", 8L),
            Map.entry("keepRatio", 0.7),
            Map.entry("targetKind", "macs"));
    assertThat(stages.get(2).spec().seed()).isEqualTo(1);
  }

  @Test
  void measuresOneLatencyTableForAllThatNeedIt() {
    tree.put("targets", Map.of("macs", List.of(0.5), "latency", List.of(0.7, 0.6)));
    tree.put(
        "methods",
        List.of(
            "magnitude",
            Map.of("name", "nvit-latency", "redistribution", List.of("none", "smooth"))));
    SweepPlan plan = plan();
    List<PlannedStage> tables =
        plan.distinctStages().stream()
            .filter(stage -> stage.spec().algorithm().equals("latency-table"))
            .toList();
    assertThat(tables).hasSize(1);
    PlannedStage table = tables.get(0);
    assertThat(table.spec().kind()).isEqualTo(StageKind.EVALUATE);
    assertThat(table.spec().outsideInputs()).as("no weights in its identity").isEmpty();
    assertThat(table.spec().parameters())
        .containsEntry("shape", Specs.BASE.toJson())
        .containsEntry("batchSize", 1)
        .containsEntry("runtime", "djl");
    for (Trial trial : plan.trials()) {
      boolean timed = trial.cell().targetKind() == TargetKind.LATENCY;
      boolean aware = trial.cell().method().equals("nvit-latency");
      List<PlannedStage> stages = trial.stages();
      assertThat(stages.get(0).equals(table)).as(trial.cell().title()).isEqualTo(timed || aware);
      assertThat(stages.get(stages.size() - 1).spec().algorithm()).isEqualTo("evaluate");
      for (PlannedStage stage : stages) {
        boolean reads =
            switch (stage.spec().kind()) {
              case SEARCH -> aware;
              case PRUNE -> timed || aware;
              case REDISTRIBUTE -> timed;
              case EVALUATE -> (timed || aware) && !stage.equals(table);
              case PRETRAIN, FINETUNE -> false;
            };
        assertThat(roles(stage).contains("latency"))
            .as("%s in %s", stage.spec().title(), trial.cell().title())
            .isEqualTo(reads);
      }
    }
  }

  @Test
  void aTableIsOfItsConditions() {
    tree.put("targets", Map.of("latency", List.of(0.5)));
    String one = table(plan());
    tree.put("targets", Map.of("latency", List.of(0.7)));
    assertThat(table(plan())).as("another target").isEqualTo(one);
    tree.put("targets", Map.of("latency", List.of(0.5), "latencyBatchSize", 64L));
    assertThat(table(plan())).isNotEqualTo(one);
    tree.put("targets", Map.of("latency", List.of(0.5), "latencyRuntime", "onnx"));
    assertThat(table(plan())).isNotEqualTo(one);
  }

  private static String table(SweepPlan plan) {
    return plan.trials().get(0).stages().get(0).stageId();
  }

  @Test
  void walksNvitAlongAFixedGridAndThroughRedistribution() {
    Trial trial = plan().trials().get(4);
    assertThat(trial.cell().redistribution()).isEqualTo("smooth");
    List<PlannedStage> stages = trial.stages();
    assertThat(stages.subList(0, 6))
        .extracting(stage -> stage.spec().parameters().get("keepRatioTo"))
        .containsExactly(0.95, 0.9, 0.85, 0.8, 0.75, 0.7);
    assertThat(roles(stages.get(0))).containsExactly("base", "dataset");
    assertThat(roles(stages.get(1))).containsExactly("trajectory", "base", "dataset");
    assertThat(stages.subList(6, 10))
        .extracting(stage -> stage.spec().kind())
        .containsExactly(
            StageKind.PRUNE, StageKind.REDISTRIBUTE, StageKind.FINETUNE, StageKind.EVALUATE);
    assertThat(roles(stages.get(6))).containsExactly("importance", "trajectory", "base");
    assertThat(roles(stages.get(7))).containsExactly("importance", "plan");
    assertThat(roles(stages.get(8)))
        .containsExactly("plan", "prunedPlan", "weights", "base", "dataset");
    assertThat(roles(stages.get(9)))
        .containsExactly(
            "model", "plan", "prunedPlan", "unrecovered", "weights", "base", "dataset");
    assertThat(stages.get(8).spec().inputs().get(0).stageId()).isEqualTo(stages.get(7).stageId());
    assertThat(stages.get(8).spec().inputs().get(1).stageId()).isEqualTo(stages.get(6).stageId());
  }

  @Test
  void asksForDevicesOfTheKindThatTheRecipeNames() {
    tree.put("targets", Map.of("macs", List.of(0.5), "latency", List.of(0.7)));
    SweepPlan onProcessors = plan();
    tree.put("recipe", Map.of("epochs", 2L, "device", "cuda"));
    SweepPlan onGpus = plan();

    assertThat(Unserved.of(onGpus, List.of(worker("cuda", onGpus)))).isEmpty();
    assertThat(Unserved.of(onProcessors, List.of(worker("cuda", onProcessors))))
        .extracting(Unserved::deviceKind)
        .isNotEmpty()
        .containsOnly("cpu");
    assertThat(onGpus.sweepId()).isNotEqualTo(onProcessors.sweepId());
    tree.put("recipe", Map.of("epochs", 2L, "device", "cpu"));
    assertThat(plan().sweepId()).as("said or not").isEqualTo(onProcessors.sweepId());
    assertThat(onGpus.distinctStages())
        .filteredOn(stage -> stage.spec().kind() == StageKind.FINETUNE)
        .allSatisfy(stage -> assertThat(stage.spec().numerics().deviceKind()).isEqualTo("cuda"))
        .allSatisfy(stage -> assertThat(stage.spec().parameters()).doesNotContainKey("device"));
  }

  @Test
  void runsPlainJavaBesideAnyDevice() {
    tree.put(
        "methods", Methods.names().stream().filter(name -> !name.contains("latency")).toList());
    tree.put("targets", Map.of("macs", List.of(0.6)));
    assertThat(plan().distinctStages())
        .allSatisfy(
            stage ->
                assertThat(Unserved.capability(stage).onDevice("cuda").isEmpty())
                    .as(stage.spec().algorithm() + " " + stage.spec().kind())
                    .isEqualTo(stage.spec().numerics().equals(Numerics.HOST)));
  }

  private static Worker worker(String device, SweepPlan plan) {
    Set<Capability> all =
        plan.distinctStages().stream().map(Unserved::capability).collect(Collectors.toSet());
    return new Worker("w", "h", device, all, 1, 0);
  }

  @Test
  void endsAChainAtATargetBetweenGridPoints() {
    assertThat(Planner.gridDownTo(0.72)).containsExactly(0.95, 0.9, 0.85, 0.8, 0.75, 0.72);
    assertThat(Planner.gridDownTo(0.9)).containsExactly(0.95, 0.9);
    assertThat(Planner.gridDownTo(0.97)).containsExactly(0.97);
    assertThat(Planner.gridDownTo(1)).containsExactly(1.0);
    assertThat(Planner.gridDownTo(0.02)).hasSize(20).endsWith(0.05, 0.02);
  }

  @Test
  void listsEveryInputBeforeItsReader() {
    tree.put("seeds", List.of(1L, 2L));
    for (Trial trial : plan().trials()) {
      Set<String> seen = new HashSet<>();
      for (PlannedStage stage : trial.stages()) {
        assertThat(stage.spec().inputs()).allMatch(input -> seen.contains(input.stageId()));
        assertThat(seen.add(stage.stageId())).isTrue();
        assertThat(stage.stageId()).isEqualTo(stage.spec().id()).matches("[0-9a-f]{64}");
      }
    }
  }

  @Test
  void makesEqualStagesOne() {
    SweepPlan plan = plan();
    // magnitude: 1 search, 2 prunes, 2 finetunes, 2 evaluations.
    // nvit: 10 links for 0.5, of which 0.7 uses the first six; 2 prunes, 2 redistributions,
    // 4 finetunes, 4 evaluations.
    assertThat(plan.distinctStages()).hasSize(1 + 2 + 2 + 2 + 10 + 2 + 2 + 4 + 4);
    assertThat(plan.trials().stream().mapToInt(trial -> trial.stages().size()).sum())
        .isEqualTo(2 * 4 + 9 + 13 + 10 + 14);
  }

  @Test
  void sharesStagesWithAnotherSweepOfTheTeam() {
    Set<String> ours = ids(plan());
    tree.put("name", "other");
    tree.put("targets", Map.of("macs", List.of(0.6, 0.5)));
    SweepPlan other = plan();
    Set<String> shared = ids(other);
    shared.retainAll(ours);
    // The whole chain, the search of magnitude, and everything at 0.5.
    assertThat(shared).hasSize(10 + 1 + 3 * 2 + 1 + 1 + 1);
    tree.put("team", "elsewhere");
    Set<String> elsewhere = ids(plan());
    elsewhere.retainAll(ours);
    assertThat(elsewhere).isEmpty();
  }

  @Test
  void reusesStagesInAnotherRunButNotWithoutCache() {
    SweepPlan first = plan();
    SweepPlan second = Planner.plan(Specs.spec(tree), Specs.INPUTS, 1, Engine.CPU);
    assertThat(second.sweepId()).isNotEqualTo(first.sweepId());
    assertThat(ids(second)).isEqualTo(ids(first));
    tree.put("cache", "off");
    SweepPlan off = plan();
    Set<String> shared = ids(off);
    shared.retainAll(ids(first));
    assertThat(shared).isEmpty();
    assertThat(off.distinctStages()).hasSameSizeAs(first.distinctStages());
  }

  @Test
  void changesIdentitiesWithWhatChangesResultsAndWithNothingElse() {
    StageSpec stage = plan().trials().get(0).stages().get(2).spec();
    Set<String> ids = new HashSet<>();
    List<StageSpec> changed = new ArrayList<>();
    changed.add(stage);
    changed.add(copy(stage, 2, stage.seed(), stage.numerics(), stage.scope()));
    changed.add(copy(stage, 1, 9, stage.numerics(), stage.scope()));
    changed.add(
        copy(stage, 1, stage.seed(), new Numerics("bf16", "cpu", 1, "2.7.1"), stage.scope()));
    changed.add(
        copy(stage, 1, stage.seed(), new Numerics("fp32", "cpu", 2, "2.7.1"), stage.scope()));
    changed.add(copy(stage, 1, stage.seed(), stage.numerics(), "team:other"));
    changed.forEach(spec -> ids.add(spec.id()));
    assertThat(ids).hasSize(changed.size());

    OutsideInput base = stage.outsideInputs().get(0);
    StageSpec renamed =
        new StageSpec(
            stage.kind(),
            stage.algorithm(),
            stage.algorithmVersion(),
            stage.parameters(),
            stage.seed(),
            stage.inputs(),
            List.of(
                stage.outsideInputs().get(1),
                new OutsideInput(
                    base.role(),
                    "another-name",
                    new ArtifactPointer(base.artifact().sha256(), 1, "x"))),
            stage.numerics(),
            stage.scope());
    assertThat(renamed.id()).isEqualTo(stage.id());
  }

  /** Guards stored identities: a change here orphans every cached stage, and must be meant. */
  @Test
  void keepsTheIdentitiesOfEarlierReleases() {
    tree.put("methods", List.of(Map.of("name", "magnitude")));
    SweepPlan plan = plan();
    assertThat(plan.sweepId()).isEqualTo("5b2cd7773330d2fa");
    assertThat(plan.trials().get(0).stages().get(0).stageId())
        .isEqualTo("f1b505702dfbddeb2ef3e66e970a519b165930b4ca2383909dc36b78a445f0fa");
  }

  @Test
  void previewsMergesForecastsAndTime() {
    PlanPreview preview = PlanPreview.of(plan(), Optional.of(new DatasetSize(6000, 1000, 2000)));
    assertThat(preview.kinds())
        .containsExactly(
            new PlanPreview.KindCount(StageKind.SEARCH, 2 + 6 + 10 + 6 + 10, 11),
            new PlanPreview.KindCount(StageKind.PRUNE, 6, 4),
            new PlanPreview.KindCount(StageKind.REDISTRIBUTE, 2, 2),
            new PlanPreview.KindCount(StageKind.FINETUNE, 6, 6),
            new PlanPreview.KindCount(StageKind.EVALUATE, 6, 6));
    assertThat(preview.merged().get(0).title()).isEqualTo("search nvit macs 1 -> 0.95, seed 1");
    assertThat(preview.merged().get(0).trials()).isEqualTo(4);
    assertThat(preview.cells().get(1).macs())
        .hasValueSatisfying(macs -> assertThat(macs).isBetween(18_000_000L, 18_100_000L));
    assertThat(preview.cells().get(1).params()).isEmpty();
    assertThat(preview.cells().get(0).floor()).isBetween(0.0, 0.05);
    assertThat(preview.refusals()).isEmpty();
    PlanPreview.DeviceTime time = preview.deviceTime().orElseThrow();
    assertThat(time.seconds()).isBetween(150.0, 900.0);
    assertThat(time.withoutSharing()).isGreaterThan(time.seconds());
    assertThat(time.low()).isLessThan(time.seconds());
  }

  @Test
  void tellsOneMethodWithOtherParametersApart() {
    Map<String, Object> tree = Specs.tree();
    assertThat(labels(tree)).containsExactly("magnitude", "nvit");
    tree.put(
        "methods",
        List.of(
            Map.of("name", "magnitude", "parameters", Map.of("alignment", 8L)),
            Map.of("name", "magnitude", "parameters", Map.of("alignment", 16L)),
            Map.of("name", "magnitude", "then", Map.of("name", "dynamicvit", "share", 0.4)),
            Map.of("name", "magnitude", "then", Map.of("name", "dynamicvit", "share", 0.6)),
            "nvit"));
    assertThat(labels(tree))
        .containsExactly(
            "magnitude alignment=8",
            "magnitude alignment=16",
            "magnitude-then-dynamicvit then.share=0.4",
            "magnitude-then-dynamicvit then.share=0.6",
            "nvit");
    assertThat(labels(tree).stream().map(MethodLabels::plain).distinct())
        .containsExactly("magnitude", "magnitude-then-dynamicvit", "nvit");
  }

  private static List<String> labels(Map<String, Object> tree) {
    SweepPlan plan = Planner.plan(Specs.spec(tree), Specs.INPUTS, 0, Engine.CPU);
    return plan.cells().stream().map(cell -> cell.label(plan.spec())).distinct().toList();
  }

  @Test
  void expectsATrainedSearchToLastAsLongAsItsTraining() {
    assertThat(seconds("dynamicvit", Map.of("epochs", 100L)))
        .isGreaterThan(20 * seconds("dynamicvit", Map.of("epochs", 1L, "frozenEpochs", 0L)));
    for (String method : List.of("vtp", "vit-slim", "wdpruning", "spvit", "patch-slimming")) {
      assertThat(seconds(method, Map.of("epochs", 40L)))
          .as(method)
          .isGreaterThan(5 * seconds(method, Map.of("epochs", 1L)));
    }
    assertThat(seconds("patch-slimming", Map.of("images", 512L)))
        .isGreaterThan(2 * seconds("patch-slimming", Map.of("images", 64L)));
    assertThat(seconds("vtp", Map.of("epochs", 1L)))
        .as("6,000 images once, of 36.1 M MACs, and 1,000 validation images")
        .isCloseTo(3 + 6000 * 36.1e6 / 1.06e10 + 1000 * 36.1e6 / 3.18e10, within(0.5));
  }

  /** Of the search alone. */
  private static double seconds(String method, Map<String, Object> parameters) {
    Map<String, Object> tree = Specs.tree();
    tree.put("methods", List.of(Map.of("name", method, "parameters", parameters)));
    SweepPlan plan = Planner.plan(Specs.spec(tree), Specs.INPUTS, 0, Engine.CPU);
    StageSpec search =
        plan.distinctStages().stream()
            .map(PlannedStage::spec)
            .filter(stage -> stage.kind() == StageKind.SEARCH)
            .findFirst()
            .orElseThrow();
    return StepTimes.ASSUMED.seconds(
        search, plan.spec().recipe(), Specs.BASE, new DatasetSize(6000, 1000, 2000), 0.5);
  }

  @Test
  void plansTenThousandCells() {
    List<Double> ratios =
        java.util.stream.IntStream.rangeClosed(1, 100).mapToObj(i -> i / 100.0).toList();
    tree.put("targets", Map.of("macs", ratios));
    tree.put("methods", List.of(Map.of("name", "magnitude")));
    tree.put("seeds", java.util.stream.LongStream.range(0, 100).boxed().toList());
    assertThat(plan().trials()).hasSize(10_000);
  }

  @Test
  void aControlThatCutsNothingHasOneCellWhateverTheTargets() {
    tree.put("methods", List.of("base-extra-epochs", "small-from-scratch"));
    tree.put("seeds", List.of(1L, 2L));
    SweepPlan plan = plan();
    assertThat(plan.cells())
        .extracting(Cell::title)
        .containsExactly(
            "base-extra-epochs, macs 1",
            "small-from-scratch, macs 0.7",
            "small-from-scratch, macs 0.5");
    assertThat(plan.trials()).hasSize(6);
    assertThat(SearchSize.of(plan.spec()))
        .as("what is accepted is what is planned")
        .extracting(SearchSize::cells, SearchSize::trials)
        .containsExactly(3, 6);
    PlanPreview preview = PlanPreview.of(plan, Optional.empty());
    assertThat(preview.refusals()).isEmpty();
    assertThat(preview.cells().get(0).params()).isPresent();
    // Fresh weights are drawn once for a seed, and both targets are cut from them.
    assertThat(
            plan.distinctStages().stream()
                .filter(stage -> stage.spec().title().startsWith("search small-from-scratch")))
        .hasSize(2);
    assertThat(roles(plan.trials().get(2).stages().get(2))).contains("weights");
  }

  @Test
  void aControlMayTrainForMoreEpochs() {
    Map<String, Object> longer = Map.of("epochsTimes", 3L);
    tree.put(
        "methods",
        List.of("base-extra-epochs", Map.of("name", "base-extra-epochs", "parameters", longer)));
    tree.put("recipe", Map.of("epochs", 2L));
    SweepPlan plan = plan();
    assertThat(plan.trials())
        .extracting(trial -> trial.stages().get(2).spec().parameters().get("epochs"))
        .containsExactly(2, 6);
    assertThat(plan.trials().get(1).stages().subList(0, 2))
        .as("search and prune are the same")
        .isEqualTo(plan.trials().get(0).stages().subList(0, 2));
  }

  @Test
  void timesTheFirstSeedOnlyWhereThatIsAskedFor() {
    tree.put("methods", List.of("magnitude"));
    tree.put("seeds", List.of(7L, 3L, 5L));
    tree.put("evaluation", Map.of("speed", "first-seed"));
    assertThat(plan().trials())
        .extracting(trial -> trial.stages().get(3).spec().capability())
        .containsExactly(
            "evaluate@2", "accuracy@1", "accuracy@1", "evaluate@2", "accuracy@1", "accuracy@1");
    assertThat(plan().trials().get(1).stages().get(3).spec().parameters())
        .containsOnlyKeys("device");
    String timed = plan().trials().get(0).stages().get(3).stageId();
    tree.put("evaluation", Map.of("speed", "none"));
    assertThat(plan().trials())
        .extracting(trial -> trial.stages().get(3).spec().algorithm())
        .containsOnly("accuracy");
    tree.remove("evaluation");
    assertThat(plan().trials().get(0).stages().get(3).stageId())
        .as("a timed evaluation is the same stage in any sweep")
        .isEqualTo(timed);
  }

  @Test
  void namesWhatIsMeasuredByWhereThatWasAskedFor() {
    tree.put("methods", List.of("magnitude"));
    tree.put("targets", Map.of("latency", List.of(0.5)));
    tree.put("seeds", List.of(7L, 3L));
    List<PlannedStage> anywhere = plan().distinctStages();
    tree.put("evaluation", Map.of("speed", "first-seed", "labels", Map.of("room", "cellar")));
    SweepPlan placed = plan();
    assertThat(placed.distinctStages())
        .filteredOn(stage -> stage.spec().parameters().containsKey("labels"))
        .extracting(stage -> stage.spec().capability())
        .as("what measures speed, and nothing else")
        .containsExactly("latency-table@2", "evaluate@2");
    assertThat(placed.distinctStages())
        .filteredOn(stage -> stage.spec().capability().equals("latency-table@2"))
        .doesNotContainAnyElementsOf(anywhere);

    Capability evaluate = new Capability("EVALUATE", "evaluate", 2);
    Set<Capability> all =
        placed.distinctStages().stream().map(Unserved::capability).collect(Collectors.toSet());
    Worker trainer = new Worker("w1", "h1", "cpu", all, 1, 0, Map.of("room", "attic"));
    Worker bench = new Worker("w2", "h2", "cpu", Set.of(evaluate), 1, 0, Map.of("room", "cellar"));
    assertThat(Unserved.of(placed, List.of(trainer, bench)))
        .extracting(Unserved::inWords)
        .containsExactly("evaluate latency-table@2 on cpu with room=cellar");
    assertThat(Unserved.of(placed, List.of(trainer)))
        .extracting(Unserved::stages)
        .containsExactly(1, 1);
  }

  @Test
  void walksOneMethodBehindAnotherOnTheRecoveredModel() {
    Map<String, Object> then = Map.of("name", "dynamicvit", "share", 0.5);
    tree.put("methods", List.of(Map.of("name", "magnitude", "then", then)));
    tree.put("targets", Map.of("macs", List.of(0.49)));
    Trial trial = plan().trials().get(0);
    List<PlannedStage> stages = trial.stages();
    assertThat(trial.cell().title()).isEqualTo("magnitude-then-dynamicvit, macs 0.49");
    assertThat(stages)
        .extracting(stage -> stage.spec().title())
        .containsExactly(
            "search magnitude",
            "prune magnitude macs 0.7",
            "finetune, seed 1",
            "search dynamicvit macs 0.49, seed 1",
            "prune dynamicvit macs 0.49",
            "finetune, seed 1",
            "evaluate");
    StageInput start = new StageInput("start", stages.get(2).stageId(), "model");
    for (int i = 3; i < 7; i++) {
      assertThat(stages.get(i).spec().inputs()).contains(start);
      assertThat(roles(stages.get(i))).contains("base");
    }
    assertThat(stages.subList(0, 3))
        .as("what comes first is shared with the method alone")
        .isEqualTo(alone().subList(0, 3));
  }

  private List<PlannedStage> alone() {
    Map<String, Object> one = Specs.tree();
    one.put("methods", List.of(Map.of("name", "magnitude")));
    one.put("targets", Map.of("macs", List.of(0.7)));
    return Planner.plan(Specs.spec(one), Specs.INPUTS, 0, Engine.CPU).trials().get(0).stages();
  }

  private SweepPlan plan() {
    return Planner.plan(Specs.spec(tree), Specs.INPUTS, 0, Engine.CPU);
  }

  private static StageSpec copy(
      StageSpec stage, int version, long seed, Numerics numerics, String scope) {
    return new StageSpec(
        stage.kind(),
        stage.algorithm(),
        version,
        stage.parameters(),
        seed,
        stage.inputs(),
        stage.outsideInputs(),
        numerics,
        scope);
  }

  private static Set<String> ids(SweepPlan plan) {
    Set<String> ids = new HashSet<>();
    plan.distinctStages().forEach(stage -> ids.add(stage.stageId()));
    return ids;
  }

  private static List<String> roles(PlannedStage stage) {
    return Stream.concat(
            stage.spec().inputs().stream().map(StageInput::role),
            stage.spec().outsideInputs().stream().map(OutsideInput::role))
        .toList();
  }
}
