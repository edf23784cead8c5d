package dev.espalier.redistributor;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.redistribution.Redistribution;
import dev.espalier.architecture.redistribution.Redistributions;
import dev.espalier.artifacts.model.BlockWidth;
import dev.espalier.artifacts.model.ImportanceFile;
import dev.espalier.artifacts.model.LatencyFile;
import dev.espalier.artifacts.model.PlanFile;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.store.Artifact;
import dev.espalier.artifacts.store.ArtifactException;
import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageExecutor;
import dev.espalier.messaging.worker.StageFailure;
import dev.espalier.messaging.worker.StageParameters;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.messaging.worker.WorkerSettings.Algorithm;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.StageKind;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Gives a pruned plan other widths at the same budget. Plans and scores come and go as files; no
 * weights are looked at, so this service needs no tensor engine.
 */
public final class RedistributorStages implements StageExecutor {

  private static final int MAX_ALIGNMENT = 1024;

  private final ArtifactStore store;

  public RedistributorStages(ArtifactStore store) {
    this.store = store;
  }

  public static List<Algorithm> algorithms() {
    return Redistributions.ALL.stream()
        .map(
            policy ->
                new Algorithm(StageKind.STAGE_KIND_REDISTRIBUTE, policy.name(), policy.version()))
        .toList();
  }

  @Override
  public StageResult execute(StageContext context) throws StageFailure {
    StageParameters parameters = StageParameters.of(context.spec());
    TargetKind kind = kind(parameters.text("targetKind"));
    int alignment = parameters.integer("alignment", 1, MAX_ALIGNMENT);
    Redistribution policy = policy(context);
    PruningPlan pruned = plan(context.input("plan"));
    Importance importance = importance(context.input("importance"));
    Optional<ArtifactRef> file = context.findInput("latency");
    Optional<LatencyTable> latency =
        file.isPresent() ? Optional.of(latency(file.get())) : Optional.empty();

    PruningPlan redistributed;
    try {
      Budget budget = LatencyTable.budget(kind, latency);
      redistributed = policy.redistribute(pruned, importance, budget, alignment);
    } catch (IllegalArgumentException e) {
      throw failure(FailureCategory.FAILURE_CATEGORY_DATA, "UNFIT_IMPORTANCE", e);
    }
    Cost cost = redistributed.cost();
    Cost base = Cost.of(pruned.base());
    BlockWidth.of(redistributed).forEach(w -> context.metric(w.name(), w.block(), w.value()));
    Map<String, Double> measured = new LinkedHashMap<>();
    measured.put("params", (double) cost.params());
    measured.put("macs", (double) cost.macs());
    measured.put("params_keep_ratio", cost.keepRatio(base, TargetKind.PARAMS));
    measured.put("macs_keep_ratio", cost.keepRatio(base, TargetKind.MACS));
    latency.ifPresent(
        table ->
            measured.put(
                "predicted_latency_keep_ratio",
                table.keepRatio(redistributed.cutArchitecture(), pruned.base())));
    return new StageResult(Map.of("plan", put(redistributed)), measured);
  }

  private static TargetKind kind(String text) throws StageFailure {
    try {
      return TargetKind.of(text);
    } catch (IllegalArgumentException e) {
      throw StageParameters.bad(
          "targetKind", "one of " + String.join(", ", TargetKind.names()), "\"" + text + "\"");
    }
  }

  private static Redistribution policy(StageContext context) throws StageFailure {
    try {
      return Redistributions.get(context.spec().getAlgorithm());
    } catch (IllegalArgumentException e) {
      throw failure(FailureCategory.FAILURE_CATEGORY_SPEC, "UNKNOWN_POLICY", e);
    }
  }

  private PruningPlan plan(ArtifactRef file) throws StageFailure {
    byte[] bytes = read(file);
    try {
      return PlanFile.read(bytes);
    } catch (MalformedFileException e) {
      throw failure(FailureCategory.FAILURE_CATEGORY_DATA, "INVALID_FILE", e);
    }
  }

  private Importance importance(ArtifactRef file) throws StageFailure {
    byte[] bytes = read(file);
    try {
      return ImportanceFile.read(bytes);
    } catch (MalformedFileException e) {
      throw failure(FailureCategory.FAILURE_CATEGORY_DATA, "INVALID_FILE", e);
    }
  }

  private LatencyTable latency(ArtifactRef file) throws StageFailure {
    byte[] bytes = read(file);
    try {
      return LatencyFile.read(bytes);
    } catch (MalformedFileException e) {
      throw failure(FailureCategory.FAILURE_CATEGORY_DATA, "INVALID_FILE", e);
    }
  }

  private byte[] read(ArtifactRef file) throws StageFailure {
    try {
      return store.read(file.getSha256());
    } catch (ArtifactException e) {
      throw artifact(e);
    }
  }

  private ArtifactRef put(PruningPlan plan) throws StageFailure {
    try {
      Artifact stored = store.put(PlanFile.write(plan), MediaTypes.PLAN);
      return ArtifactRef.newBuilder()
          .setUri(stored.uri())
          .setSha256(stored.sha256())
          .setSizeBytes(stored.sizeBytes())
          .setMediaType(stored.mediaType())
          .build();
    } catch (ArtifactException e) {
      throw artifact(e);
    }
  }

  private static StageFailure artifact(ArtifactException e) {
    return switch (e.reason()) {
      case BAD_NAME, MISSING ->
          failure(FailureCategory.FAILURE_CATEGORY_DATA, "MISSING_ARTIFACT", e);
      case CORRUPT -> failure(FailureCategory.FAILURE_CATEGORY_DATA, "CORRUPT_ARTIFACT", e);
      case STORE_FULL, TOO_LARGE ->
          failure(FailureCategory.FAILURE_CATEGORY_CAPACITY, "STORE_FULL", e);
      case UNAVAILABLE ->
          failure(FailureCategory.FAILURE_CATEGORY_CAPACITY, "STORE_UNAVAILABLE", e);
    };
  }

  private static StageFailure failure(FailureCategory category, String code, Exception cause) {
    return new StageFailure(category, code, String.valueOf(cause.getMessage()), cause);
  }
}
