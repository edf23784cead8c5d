package dev.espalier.artifacts.store;

/** Media types of the files that stages leave behind. */
public final class MediaTypes {

  /** Weights and shape of a model in one safetensors file. */
  public static final String MODEL = "application/vnd.espalier.model+safetensors";

  /** Importance of every unit, safetensors. */
  public static final String IMPORTANCE = "application/vnd.espalier.importance+safetensors";

  /** Where an iterative search stands: plan so far, scores, weights, optimizer state. */
  public static final String TRAJECTORY = "application/vnd.espalier.trajectory+safetensors";

  /** What a search found beside the importance of units, in its method's own format. */
  public static final String FINDINGS = "application/vnd.espalier.findings+safetensors";

  /** Tensors that a cut model has and its base has not, safetensors. */
  public static final String TENSORS = "application/vnd.espalier.tensors+safetensors";

  /** Where a training stands: weights, optimizer state, position. */
  public static final String CHECKPOINT = "application/vnd.espalier.checkpoint+safetensors";

  /** A pruning plan, canonical JSON. */
  public static final String PLAN = "application/vnd.espalier.plan+json";

  /** Measured latencies of a base's shape in other widths, canonical JSON. */
  public static final String LATENCY = "application/vnd.espalier.latency+json";

  /** What an evaluation measured, JSON. */
  public static final String EVALUATION = "application/vnd.espalier.evaluation+json";

  /** Images and labels, stored ZIP. */
  public static final String DATASET = "application/vnd.espalier.dataset+zip";

  /** Anything else. */
  public static final String BYTES = "application/octet-stream";

  private MediaTypes() {}
}
