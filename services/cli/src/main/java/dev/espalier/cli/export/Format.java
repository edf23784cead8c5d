package dev.espalier.cli.export;

/** What a model is written as. */
enum Format {
  /** {@code model.onnx}. */
  onnx,
  /** {@code model.safetensors} under timm's names, and {@code architecture.json}. */
  safetensors
}
