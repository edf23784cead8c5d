package dev.espalier.trainer.stage;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.SearchKind;
import dev.espalier.artifacts.model.ImportanceFile;
import dev.espalier.artifacts.store.ArtifactException;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageExecutor;
import dev.espalier.messaging.worker.StageParameters;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.messaging.worker.StageStopped;
import dev.espalier.pruning.PruningMethods;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Learns how important the base model's units are, by the method the stage names. */
final class SearchStage implements StageExecutor {

  private static final Logger LOG = LoggerFactory.getLogger(SearchStage.class);

  private final StageFiles files;
  private final TensorEngine tensors;

  SearchStage(StageFiles files, TensorEngine tensors) {
    this.files = files;
    this.tensors = tensors;
  }

  @Override
  public StageResult execute(StageContext context) throws Exception {
    PruningMethod method = PruningMethods.get(context.spec().getAlgorithm());
    SearchRequest request = request(context, method);
    try (Search search = method.search(request)) {
      Checkpoints checkpoints = new Checkpoints(context, files);
      search(context, search, checkpoints);
      StageResult result = result(search, method);
      checkpoints.finish();
      return result;
    }
  }

  private SearchRequest request(StageContext context, PruningMethod method) throws Exception {
    Start start = Start.of(context, files);
    Map<String, Object> parameters = new TreeMap<>(StageParameters.of(context.spec()).all());
    if (method.descriptor().search() == SearchKind.PER_TARGET) {
      TargetKind kind = TargetKind.of((String) parameters.get("targetKind"));
      parameters.computeIfPresent(
          "keepRatio", (name, ratio) -> start.keepRatio(kind, ((Number) ratio).doubleValue()));
    }
    SearchRequest request =
        SearchRequest.of(start.weights(), parameters, context.spec().getSeed())
            .observedBy((step, values) -> values.forEach((k, v) -> context.metric(k, step, v)));
    if (method.descriptor().searchUsesDataset()) {
      request =
          request.on(
              new SearchRequest.Images(
                  files.dataset(context.outsideInput("dataset"), start.weights().architecture()),
                  tensors,
                  Numbers.threads(context.spec().getNumerics()),
                  Numbers.precision(context.spec().getNumerics())));
    }
    Optional<ArtifactRef> latency = context.findInput("latency");
    if (latency.isPresent()) {
      request = request.timedBy(files.latency(latency.get()));
    }
    Optional<ArtifactRef> trajectory = context.findInput("trajectory");
    if (trajectory.isPresent()) {
      request = request.after(files.read(trajectory.get()));
    }
    Optional<byte[]> checkpoint = checkpoint(context);
    return checkpoint.isPresent() ? request.from(checkpoint.get()) : request;
  }

  /** The position to go on from; one that is gone costs time, not the stage. */
  private Optional<byte[]> checkpoint(StageContext context) {
    if (context.checkpoint().isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(files.read(context.checkpoint().get().artifact()));
    } catch (ArtifactException e) {
      LOG.warn("the checkpoint cannot be read, the search starts anew", e);
      return Optional.empty();
    }
  }

  private static void search(StageContext context, Search search, Checkpoints checkpoints)
      throws StageStopped {
    while (!search.finished()) {
      if (context.shouldStop()) {
        if (context.checkpointWanted() && search.steps() > 0) {
          checkpoints.save(search.checkpoint(), search.steps());
        }
        throw context.stopped(search.steps());
      }
      search.step();
      context.progress(search.steps(), total(search));
      if (context.checkpointDue() && !search.finished()) {
        checkpoints.save(search.checkpoint(), search.steps());
      }
    }
  }

  /** Steps of the whole search, guessed from the share that is done. */
  private static long total(Search search) {
    return Math.max(search.steps(), Math.round(search.steps() / Math.max(search.progress(), 1e-3)));
  }

  private StageResult result(Search search, PruningMethod method) {
    Search.Result result = search.result();
    String scorer = method.descriptor().name() + "@" + method.descriptor().version();
    Map<String, ArtifactRef> outputs = new LinkedHashMap<>();
    outputs.put(
        "importance",
        files.put(ImportanceFile.write(result.importance(), scorer), MediaTypes.IMPORTANCE));
    boolean chained = method.descriptor().search() == SearchKind.CHAINED;
    result
        .findings()
        .ifPresent(
            bytes ->
                outputs.put(
                    chained ? "trajectory" : "findings",
                    files.put(bytes, chained ? MediaTypes.TRAJECTORY : MediaTypes.FINDINGS)));
    result.weights().ifPresent(weights -> outputs.put("weights", files.put(weights)));
    return new StageResult(outputs, Map.of("search_steps", (double) search.steps()));
  }
}
