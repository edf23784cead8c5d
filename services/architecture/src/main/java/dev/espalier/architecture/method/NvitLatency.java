package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.SEARCH;

import java.util.ArrayList;
import java.util.List;

/** NViT with the latency-aware score, {@code methods/nvit.md} §2. */
final class NvitLatency {

  private NvitLatency() {}

  /** NViT's descriptor with what latency adds; a method of its own, so that a sweep has both. */
  static MethodDescriptor of(MethodDescriptor nvit) {
    List<ParameterDescriptor> parameters = new ArrayList<>(nvit.parameters());
    parameters.add(
        ParameterDescriptor.number(
            "eta",
            SEARCH,
            0.3,
            0,
            1e12,
            "Weight of the latency that a unit costs, which is subtracted from its score; 0 is"
                + " plain NViT."));
    parameters.add(
        ParameterDescriptor.choice(
            "etaUnit",
            SEARCH,
            "median",
            List.of("median", "second"),
            "What eta is per: the median score per median latency of a unit, whatever the device,"
                + " or the paper's second of a batch."));
    return new MethodDescriptor(
        "nvit-latency",
        1,
        "NViT with the latency-aware score: importance less what a unit costs on this device",
        nvit.paper(),
        nvit.search(),
        nvit.outputs(),
        nvit.searchUsesSeed(),
        nvit.searchUsesDataset(),
        nvit.prunes(),
        nvit.targets(),
        parameters,
        true);
  }
}
