package dev.espalier.scheduler.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.scheduler.wire.SweepWire;
import dev.espalier.schemas.trial.v1.PlannedStage;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.planning.ArtifactPointer;
import dev.espalier.sweep.planning.Engine;
import dev.espalier.sweep.planning.Planner;
import dev.espalier.sweep.planning.ResolvedInputs;
import dev.espalier.sweep.planning.SweepPlan;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.SweepSpecReader;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SweepPlanningTest {

  private static final ResolvedInputs INPUTS =
      new ResolvedInputs(
          new ArtifactPointer("a".repeat(64), 2_700_000, "model"),
          VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384),
          new ArtifactPointer("d".repeat(64), 6_000_000, "dataset"));

  private final SweepPlanning planning = new SweepPlanning(Engine.CPU);

  /** What `plan` shows is what runs, though the scheduler has the event of acceptance alone. */
  @ParameterizedTest
  @EnumSource
  void plansFromTheEventWhatWasPlannedAtTheDoor(TargetKind target) {
    SweepSpec spec = spec(target);
    SweepPlan shown = Planner.plan(spec, INPUTS, 0, Engine.CPU);

    List<TrialPlanning.PlannedTrial> planned =
        planning.plan(shown.sweepId(), read(accepted(spec, INPUTS)));

    assertThat(planned)
        .extracting(
            trial ->
                trial.planned().getStagesList().stream().map(PlannedStage::getStageId).toList())
        .isEqualTo(
            shown.trials().stream()
                .map(trial -> trial.stages().stream().map(stage -> stage.stageId()).toList())
                .toList());
  }

  /** Tables, boards and the report's files go by this name. */
  @Test
  void namesOneMethodWithOtherParametersByWhatDiffers() {
    Map<String, Object> tree = tree(TargetKind.MACS);
    tree.put(
        "methods",
        List.of(
            Map.of("name", "magnitude", "parameters", Map.of("alignment", 8L)),
            Map.of("name", "magnitude", "parameters", Map.of("alignment", 16L)),
            "nvit"));
    SweepSpec spec = SweepSpecReader.read(tree).orThrow();

    assertThat(planning.plan(Planner.sweepId(spec, INPUTS, 0), read(accepted(spec, INPUTS))))
        .extracting(trial -> trial.planned().getCell().getMethod())
        .containsOnly("magnitude alignment=8", "magnitude alignment=16", "nvit");
  }

  @Test
  void saysWhatAnOldAcceptanceLacks() {
    SweepSpec spec = spec(TargetKind.LATENCY);
    String id = Planner.sweepId(spec, INPUTS, 0);
    SweepEvent.Accepted now = accepted(spec, INPUTS);
    SweepEvent.Accepted old =
        new SweepEvent.Accepted(
            now.canonicalSpecJson(), 0, 1, 1, now.modelSha256(), now.datasetSha256(), "");

    assertThatThrownBy(() -> planning.plan(id, read(old)))
        .hasMessageContaining("expected the base's shape");
  }

  private static SweepSpec spec(TargetKind target) {
    return SweepSpecReader.read(tree(target)).orThrow();
  }

  private static Map<String, Object> tree(TargetKind target) {
    Map<String, Object> tree = new TreeMap<>();
    tree.put("name", "any");
    tree.put("model", "base");
    tree.put("dataset", "images");
    tree.put("methods", List.of(Map.of("name", "magnitude"), Map.of("name", "nvit")));
    tree.put("targets", Map.of(target.text(), List.of(0.8, 0.5)));
    tree.put("seeds", List.of(1L));
    return tree;
  }

  private static SweepEvent.Accepted accepted(SweepSpec spec, ResolvedInputs inputs) {
    return new SweepEvent.Accepted(
        spec.canonicalJson(),
        0,
        4,
        4,
        inputs.model().sha256(),
        inputs.dataset().sha256(),
        inputs.base().toJson());
  }

  /** As it comes from its stream. */
  private static SweepEvent.Accepted read(SweepEvent.Accepted accepted) {
    return (SweepEvent.Accepted) SweepWire.read(SweepWire.write(accepted).build()).orElseThrow();
  }
}
