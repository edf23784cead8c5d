package dev.espalier.evaluator.stage;

import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.LatencyFile;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.model.PlanFile;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.artifacts.store.Artifact;
import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.datasets.DatasetArtifact;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.OutsideInput;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Map;

/** The files a stage reads and writes, by what they hold. */
final class StageFiles {

  private final ArtifactStore store;

  StageFiles(ArtifactStore store) {
    this.store = store;
  }

  byte[] read(ArtifactRef file) {
    return store.read(file.getSha256());
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

  ImageDataset dataset(OutsideInput registered) throws IOException {
    try (InputStream file = store.open(registered.getArtifact().getSha256())) {
      ImageDataset dataset = DatasetArtifact.read(file);
      file.transferTo(OutputStream.nullOutputStream()); // the digest is checked at the end
      return dataset;
    }
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
}
