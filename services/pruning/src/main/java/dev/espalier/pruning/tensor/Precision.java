package dev.espalier.pruning.tensor;

/** Number format of the large matrix products; weights and optimizer state are always float32. */
public enum Precision {
  FP32,
  /** Linear layers and attention in bfloat16, the rest in float32. */
  BF16
}
