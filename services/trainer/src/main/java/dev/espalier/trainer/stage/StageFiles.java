package dev.espalier.trainer.stage;

import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ImportanceFile;
import dev.espalier.artifacts.model.LatencyFile;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.model.PlanFile;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.artifacts.store.Artifact;
import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.RecentDatasets;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.OutsideInput;
import java.io.IOException;
import java.util.Map;

/** The files a stage reads and writes, by what they hold. */
final class StageFiles {

  private final ArtifactStore store;
  private final RecentDatasets datasets;

  StageFiles(ArtifactStore store, RecentDatasets datasets) {
    this.store = store;
    this.datasets = datasets;
  }

  byte[] read(ArtifactRef file) {
    return store.read(file.getSha256());
  }

  void delete(ArtifactRef file) {
    store.delete(file.getSha256());
  }

  VitWeights model(ArtifactRef file) {
    return ModelFile.read(store, file.getSha256());
  }

  /** Tensors that a cut model has and its base has not. */
  Map<String, Tensor> tensors(ArtifactRef file) {
    return Safetensors.fromBytes(read(file)).tensors();
  }

  LatencyTable latency(ArtifactRef file) {
    return LatencyFile.read(read(file));
  }

  PruningPlan plan(ArtifactRef file) {
    return PlanFile.read(read(file));
  }

  Importance importance(ArtifactRef file) {
    return ImportanceFile.read(read(file));
  }

  /**
   * A dataset whose images the model takes. Sweeps are refused where it does not, but those that
   * were accepted before that rule still run.
   */
  ImageDataset dataset(OutsideInput registered, VitArchitecture model) throws IOException {
    String sha256 = registered.getArtifact().getSha256();
    ImageDataset dataset = datasets.get(sha256, () -> store.open(sha256));
    dataset.requireImagesOf(model);
    return dataset;
  }

  ArtifactRef put(byte[] bytes, String mediaType) {
    Artifact stored = store.put(bytes, mediaType);
    return ArtifactRef.newBuilder()
        .setUri(stored.uri())
        .setSha256(stored.sha256())
        .setSizeBytes(stored.sizeBytes())
        .setMediaType(stored.mediaType())
        .build();
  }

  ArtifactRef put(VitWeights model) {
    return put(ModelFile.write(model), MediaTypes.MODEL);
  }

  ArtifactRef put(PruningPlan plan) {
    return put(PlanFile.write(plan), MediaTypes.PLAN);
  }
}
