package dev.espalier.scheduler.process;

import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.Numerics;
import dev.espalier.schemas.stage.v1.OutsideInput;
import dev.espalier.schemas.stage.v1.StageInput;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.trial.v1.Cell;
import dev.espalier.schemas.trial.v1.PlannedStage;
import dev.espalier.schemas.trial.v1.TrialPlanned;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.planning.ArtifactPointer;
import dev.espalier.sweep.planning.Engine;
import dev.espalier.sweep.planning.Planner;
import dev.espalier.sweep.planning.ResolvedInputs;
import dev.espalier.sweep.planning.SweepPlan;
import dev.espalier.sweep.planning.Trial;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.SweepSpecReader;
import java.util.List;
import java.util.Map;

/** Plans with the {@link Planner}, from nothing but what the event of acceptance says. */
public final class SweepPlanning implements TrialPlanning {

  private final Engine engine;

  public SweepPlanning(Engine engine) {
    this.engine = engine;
  }

  @Override
  public List<PlannedTrial> plan(String sweepId, SweepEvent.Accepted accepted) {
    SweepSpec spec = SweepSpecReader.read(Json.parse(accepted.canonicalSpecJson())).orThrow();
    ResolvedInputs inputs =
        new ResolvedInputs(
            new ArtifactPointer(accepted.modelSha256(), 0, ""),
            shape(accepted.modelArchitectureJson()),
            new ArtifactPointer(accepted.datasetSha256(), 0, ""));
    SweepPlan plan = Planner.plan(spec, inputs, accepted.run(), engine);
    if (!plan.sweepId().equals(sweepId)) {
      throw new IllegalStateException(
          "expected the plan of sweep " + sweepId + " but the spec names " + plan.sweepId());
    }
    return plan.trials().stream()
        .map(trial -> new PlannedTrial(trial.trialId(), planned(sweepId, spec, trial)))
        .toList();
  }

  /** Null where acceptance did not record it, as it once did not. */
  private static VitArchitecture shape(String json) {
    return json.isEmpty() ? null : VitArchitecture.fromJson(json);
  }

  private static TrialPlanned planned(String sweepId, SweepSpec spec, Trial trial) {
    TrialPlanned.Builder planned =
        TrialPlanned.newBuilder()
            .setSweepId(sweepId)
            .setCellId(trial.cellId())
            .setCell(
                Cell.newBuilder()
                    .setMethod(trial.cell().label(spec))
                    .setRedistribution(trial.cell().redistribution())
                    .setTargetKind(trial.cell().targetKind().text())
                    .setKeepRatio(trial.cell().keepRatio()))
            .setSeed(trial.seed())
            .setPriority(spec.priority());
    trial
        .stages()
        .forEach(
            stage ->
                planned.addStages(
                    PlannedStage.newBuilder()
                        .setStageId(stage.stageId())
                        .setSpec(toWire(stage.spec()))));
    return planned.build();
  }

  static StageSpec toWire(dev.espalier.sweep.planning.StageSpec spec) {
    StageSpec.Builder wire =
        StageSpec.newBuilder()
            .setKind(StageKind.valueOf("STAGE_KIND_" + spec.kind().name()))
            .setAlgorithm(spec.algorithm())
            .setAlgorithmVersion(spec.algorithmVersion())
            .setParameters(struct(spec.parameters()))
            .setSeed(spec.seed())
            .setNumerics(
                Numerics.newBuilder()
                    .setPrecision(spec.numerics().precision())
                    .setDeviceKind(spec.numerics().deviceKind())
                    .setThreads(spec.numerics().threads())
                    .setEngineVersion(spec.numerics().engineVersion()));
    spec.inputs()
        .forEach(
            input ->
                wire.addInputs(
                    StageInput.newBuilder()
                        .setRole(input.role())
                        .setStageId(input.stageId())
                        .setOutput(input.output())));
    spec.outsideInputs()
        .forEach(
            input ->
                wire.addOutsideInputs(
                    OutsideInput.newBuilder()
                        .setRole(input.role())
                        .setName(input.name())
                        .setArtifact(
                            ArtifactRef.newBuilder()
                                .setUri(input.artifact().uri())
                                .setSha256(input.artifact().sha256())
                                .setSizeBytes(input.artifact().sizeBytes())
                                .setMediaType(input.artifact().mediaType()))));
    return wire.build();
  }

  private static Struct struct(Map<String, Object> tree) {
    Struct.Builder struct = Struct.newBuilder();
    tree.forEach((name, value) -> struct.putFields(name, value(value)));
    return struct.build();
  }

  private static Value value(Object value) {
    Value.Builder wire = Value.newBuilder();
    if (value == null) {
      return wire.setNullValue(NullValue.NULL_VALUE).build();
    }
    if (value instanceof Boolean flag) {
      return wire.setBoolValue(flag).build();
    }
    if (value instanceof Number number) {
      return wire.setNumberValue(number.doubleValue()).build();
    }
    if (value instanceof List<?> list) {
      var values = com.google.protobuf.ListValue.newBuilder();
      list.forEach(item -> values.addValues(value(item)));
      return wire.setListValue(values).build();
    }
    if (value instanceof Map<?, ?> map) {
      Struct.Builder struct = Struct.newBuilder();
      map.forEach((name, item) -> struct.putFields(String.valueOf(name), value(item)));
      return wire.setStructValue(struct).build();
    }
    return wire.setStringValue(value.toString()).build();
  }
}
