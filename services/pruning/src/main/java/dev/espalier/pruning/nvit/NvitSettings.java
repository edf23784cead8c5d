package dev.espalier.pruning.nvit;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.datasets.Augmentation;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.nvit.GlobalRanking.ChunkSizes;
import dev.espalier.pruning.nvit.GlobalRanking.UnitCosts;
import dev.espalier.pruning.training.TrainingRecipe;
import java.util.Optional;

/**
 * How one link of the chain searches; meanings and defaults are in the method's descriptor.
 *
 * @param keepRatioFrom where the link begins, for its progress only
 * @param keepRatioTo the link ends when the model costs no more than this share of the base
 * @param budget what the keep ratios are of
 * @param latency how the scores know of latency; empty for plain NViT
 */
record NvitSettings(
    double keepRatioFrom,
    double keepRatioTo,
    int interval,
    double momentum,
    int chunksPerStep,
    ChunkSizes chunks,
    boolean meanScore,
    int batchSize,
    double learningRate,
    double weightDecay,
    double clipNorm,
    double distillationWeight,
    double distillationTemperature,
    Augmentation augmentation,
    Budget budget,
    Optional<LatencyGain> latency) {

  /** Passes over the data after which the training of a whole chain would end; never reached. */
  private static final int ENDLESS = 1_000_000;

  static NvitSettings of(SearchRequest request) {
    return new NvitSettings(
        request.number("keepRatioFrom"),
        request.number("keepRatioTo"),
        request.integer("interval"),
        request.number("momentum"),
        request.integer("chunksPerStep"),
        new ChunkSizes(
            request.integer("embeddingChunk"),
            request.integer("headChunk"),
            request.integer("qkChunk"),
            request.integer("vChunk"),
            request.integer("mlpChunk")),
        request.text("chunkScore").equals("mean"),
        request.integer("batchSize"),
        request.number("learningRate"),
        request.number("weightDecay"),
        request.number("clipNorm"),
        request.number("distillationWeight"),
        request.number("distillationTemperature"),
        Augmentation.of(request.text("augmentation")),
        LatencyTable.budget(TargetKind.of(request.text("targetKind")), request.latency()),
        latency(request));
  }

  private static Optional<LatencyGain> latency(SearchRequest request) {
    if (!request.parameters().containsKey("eta") || request.number("eta") == 0) {
      return Optional.empty();
    }
    LatencyTable table =
        request
            .latency()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "a latency-aware score (eta %s) needs a table of measured latencies"
                            .formatted(request.number("eta"))));
    return Optional.of(
        new LatencyGain(table, request.number("eta"), request.text("etaUnit").equals("median")));
  }

  GlobalRanking ranking() {
    return new GlobalRanking(
        chunks, meanScore, latency.<UnitCosts>map(gain -> gain).orElse(UnitCosts.NONE));
  }

  /** The training underneath: constant rate, no end of its own. */
  TrainingRecipe recipe(SearchRequest.Images images, long seed) {
    return new TrainingRecipe(
        ENDLESS,
        batchSize,
        learningRate,
        weightDecay,
        0,
        0,
        clipNorm,
        distillationWeight,
        distillationTemperature,
        augmentation,
        images.precision(),
        images.threads(),
        seed);
  }
}
