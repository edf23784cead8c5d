package dev.espalier.trainer.stage;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.method.SearchOutput;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.artifacts.model.BlockWidth;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageExecutor;
import dev.espalier.messaging.worker.StageFailure;
import dev.espalier.messaging.worker.StageParameters;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.pruning.PruningMethods;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Turns what a search found into the units that one target keeps. Milliseconds, no tensors. */
final class PruneStage implements StageExecutor {

  private static final int MAX_ALIGNMENT = 1024;

  private final StageFiles files;

  PruneStage(StageFiles files) {
    this.files = files;
  }

  @Override
  public StageResult execute(StageContext context) throws StageFailure {
    PruningMethod method = PruningMethods.get(context.spec().getAlgorithm());
    StageParameters parameters = StageParameters.of(context.spec());
    TargetKind targetKind = TargetKind.of(parameters.text("targetKind"));
    double keepRatio = parameters.number("keepRatio");
    parameters.integer("alignment", 1, MAX_ALIGNMENT);
    Start start = Start.of(context, files);
    VitArchitecture from = start.weights().architecture();
    Importance importance = files.importance(context.input("importance"));
    Optional<byte[]> findings =
        context.findInput("trajectory").or(() -> context.findInput("findings")).map(files::read);
    Optional<LatencyTable> latency = context.findInput("latency").map(files::latency);

    PruningPlan plan =
        method.plan(
            new PlanRequest(
                from,
                importance,
                findings,
                targetKind,
                start.keepRatio(targetKind, keepRatio),
                parameters.all(),
                latency));
    Map<String, ArtifactRef> outputs = new LinkedHashMap<>();
    outputs.put("plan", files.put(plan));
    if (method.descriptor().outputs().contains(SearchOutput.TENSORS)) {
      byte[] tensors = new Safetensors(Map.of(), method.brought(plan, findings)).toBytes();
      outputs.put("tensors", files.put(tensors, MediaTypes.TENSORS));
    }
    Cost cost = plan.cost();
    Cost whole = Cost.of(start.base());
    BlockWidth.of(plan).forEach(w -> context.metric(w.name(), w.block(), w.value()));
    Map<String, Double> measured = new LinkedHashMap<>();
    measured.put("params", (double) cost.params());
    measured.put("macs", (double) cost.macs());
    measured.put("ideal_macs", (double) plan.idealCost().macs());
    measured.put("params_keep_ratio", cost.keepRatio(whole, TargetKind.PARAMS));
    measured.put("macs_keep_ratio", cost.keepRatio(whole, TargetKind.MACS));
    latency.ifPresent(
        table ->
            measured.put(
                "predicted_latency_keep_ratio",
                table.keepRatio(plan.cutArchitecture(), start.base())));
    return new StageResult(outputs, measured);
  }
}
