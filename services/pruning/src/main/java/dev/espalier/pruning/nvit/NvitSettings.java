package dev.espalier.pruning.nvit;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.datasets.Augmentation;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.nvit.GlobalRanking.ChunkSizes;
import dev.espalier.pruning.training.TrainingRecipe;

/**
 * How one link of the chain searches; meanings and defaults are in the method's descriptor.
 *
 * @param keepRatioFrom where the link begins, for its progress only
 * @param keepRatioTo the link ends when the model costs no more than this share of the base
 */
record NvitSettings(
    TargetKind targetKind,
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
    Augmentation augmentation) {

  /** Passes over the data after which the training of a whole chain would end; never reached. */
  private static final int ENDLESS = 1_000_000;

  static NvitSettings of(SearchRequest request) {
    return new NvitSettings(
        TargetKind.of(request.text("targetKind")),
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
        Augmentation.of(request.text("augmentation")));
  }

  GlobalRanking ranking() {
    return GlobalRanking.ofScores(chunks, meanScore);
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
