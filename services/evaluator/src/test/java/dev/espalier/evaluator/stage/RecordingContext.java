package dev.espalier.evaluator.stage;

import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageStopped;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.EpochEvaluated;
import dev.espalier.schemas.stage.v1.StageSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** An attempt without a broker: keeps what is reported and stops where it is told to. */
final class RecordingContext implements StageContext {

  private final StageSpec spec;
  private final Map<String, ArtifactRef> inputs;
  private Checkpoint resumeFrom;
  private long stopAtStep = Long.MAX_VALUE;
  private long checkpointEvery = Long.MAX_VALUE;
  private long step;
  private long savedAt;

  final List<EpochEvaluated> epochs = new ArrayList<>();
  final List<Checkpoint> checkpoints = new ArrayList<>();
  final Map<String, Map<Long, Double>> metrics = new TreeMap<>();

  RecordingContext(StageSpec spec, Map<String, ArtifactRef> inputs) {
    this.spec = spec;
    this.inputs = inputs;
  }

  RecordingContext stopAt(long step) {
    stopAtStep = step;
    return this;
  }

  RecordingContext checkpointEvery(long steps) {
    checkpointEvery = steps;
    return this;
  }

  RecordingContext resumeFrom(Checkpoint checkpoint) {
    resumeFrom = checkpoint;
    step = checkpoint.step();
    savedAt = step;
    return this;
  }

  @Override
  public String stageId() {
    return "0".repeat(64);
  }

  @Override
  public long generation() {
    return 1;
  }

  @Override
  public String team() {
    return "team";
  }

  @Override
  public String sweepId() {
    return "sweep";
  }

  @Override
  public String trialId() {
    return "trial";
  }

  @Override
  public StageSpec spec() {
    return spec;
  }

  @Override
  public Optional<ArtifactRef> findInput(String role) {
    return Optional.ofNullable(inputs.get(role));
  }

  @Override
  public Optional<Checkpoint> checkpoint() {
    return Optional.ofNullable(resumeFrom);
  }

  @Override
  public void progress(long step, long totalSteps, double imagesPerSecond) {
    this.step = step;
  }

  @Override
  public void epochEvaluated(EpochEvaluated epoch) {
    epochs.add(epoch);
  }

  @Override
  public boolean checkpointDue() {
    return step - savedAt >= checkpointEvery;
  }

  @Override
  public void checkpointSaved(ArtifactRef checkpoint, long step) {
    savedAt = step;
    checkpoints.add(new Checkpoint(checkpoint, step));
  }

  @Override
  public void metric(String name, long step, double value) {
    metrics.computeIfAbsent(name, key -> new TreeMap<>()).put(step, value);
  }

  @Override
  public boolean shouldStop() {
    return step >= stopAtStep;
  }

  @Override
  public boolean checkpointWanted() {
    return true;
  }

  @Override
  public StageStopped stopped(long step) {
    return new StageStopped("asked to", step);
  }
}
