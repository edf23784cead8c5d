package dev.espalier.scheduler.testing;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.espalier.architecture.json.Json;
import dev.espalier.scheduler.process.TrialPlanning;
import dev.espalier.schemas.stage.v1.Numerics;
import dev.espalier.schemas.stage.v1.StageInput;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.trial.v1.Cell;
import dev.espalier.schemas.trial.v1.PlannedStage;
import dev.espalier.schemas.trial.v1.TrialPlanned;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.testkit.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Plans small sweeps for tests: search, prune, finetune, evaluate, where all trials of a label
 * share one search and equal trials of two sweeps share all. The label is also the algorithm, so
 * that each test has workers of its own. Evaluations of a label that begins with "on-" ask for a
 * worker with {@code room=<label>}.
 */
public final class LabelledPlanning implements TrialPlanning {

  private static final List<StageKind> WALK =
      List.of(
          StageKind.STAGE_KIND_SEARCH,
          StageKind.STAGE_KIND_PRUNE,
          StageKind.STAGE_KIND_FINETUNE,
          StageKind.STAGE_KIND_EVALUATE);

  /** What the sweep's text says. */
  public static SweepEvent.Accepted accepted(String label, int trials) {
    return accepted(label, trials, Map.of());
  }

  /** What the text of a sweep with these caps says. */
  public static SweepEvent.Accepted accepted(String label, int trials, Map<String, Object> caps) {
    String json =
        Json.canonical(Map.of("name", label, "label", label, "trials", trials, "caps", caps));
    return new SweepEvent.Accepted(json, 0, trials, trials, "0".repeat(64), "1".repeat(64), "");
  }

  @Override
  public List<PlannedTrial> plan(String sweepId, SweepEvent.Accepted accepted) {
    String label =
        String.valueOf(((Map<?, ?>) Json.parse(accepted.canonicalSpecJson())).get("label"));
    List<PlannedTrial> trials = new ArrayList<>();
    for (int i = 0; i < accepted.trials(); i++) {
      trials.add(new PlannedTrial(sweepId + "-t" + i, trial(sweepId, label, i)));
    }
    return trials;
  }

  private static TrialPlanned trial(String sweepId, String label, int number) {
    TrialPlanned.Builder trial =
        TrialPlanned.newBuilder()
            .setSweepId(sweepId)
            .setCellId("cell" + number)
            .setCell(
                Cell.newBuilder()
                    .setMethod(label)
                    .setRedistribution("none")
                    .setTargetKind("macs")
                    .setKeepRatio(0.5))
            .setSeed(number);
    String before = null;
    for (StageKind kind : WALK) {
      String which = kind == StageKind.STAGE_KIND_SEARCH ? "all" : "trial" + number;
      String id = stageId(label, kind, which);
      Struct.Builder parameters =
          Struct.newBuilder().putFields("which", Value.newBuilder().setStringValue(which).build());
      if (kind == StageKind.STAGE_KIND_EVALUATE && label.startsWith("on-")) {
        parameters.putFields(
            "labels",
            Value.newBuilder()
                .setStructValue(
                    Struct.newBuilder()
                        .putFields("room", Value.newBuilder().setStringValue(label).build()))
                .build());
      }
      StageSpec.Builder spec =
          StageSpec.newBuilder()
              .setKind(kind)
              .setAlgorithm(label)
              .setAlgorithmVersion(1)
              .setParameters(parameters)
              .setNumerics(Numerics.newBuilder().setDeviceKind("cpu"));
      if (before != null) {
        spec.addInputs(
            StageInput.newBuilder().setRole("input").setStageId(before).setOutput("result"));
      }
      trial.addStages(PlannedStage.newBuilder().setStageId(id).setSpec(spec));
      before = id;
    }
    return trial.build();
  }

  /**
   * @param which "all" for the search, "trial" and its number for the rest
   */
  public static String stageId(String label, StageKind kind, String which) {
    return Sha256.hex((label + kind + which).getBytes(StandardCharsets.UTF_8));
  }
}
