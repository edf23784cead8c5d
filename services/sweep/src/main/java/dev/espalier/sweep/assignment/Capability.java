package dev.espalier.sweep.assignment;

import dev.espalier.architecture.method.Methods;

/** A kind of stage that a worker can run, such as {@code FINETUNE finetune@1}. */
public record Capability(String kind, String algorithm, int version) {

  /**
   * The kind of device that such a stage must run on; empty for one that computes in plain Java and
   * so runs beside any device.
   *
   * @param asked what the stage names
   */
  public String onDevice(String asked) {
    return switch (kind) {
      case "PRUNE", "REDISTRIBUTE" -> "";
      case "SEARCH" ->
          Methods.find(algorithm).filter(method -> !method.searchUsesDataset()).isPresent()
              ? ""
              : asked;
      default -> asked;
    };
  }
}
