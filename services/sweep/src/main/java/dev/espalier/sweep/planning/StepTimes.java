package dev.espalier.sweep.planning;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.sweep.spec.Recipe;
import java.util.Map;

/**
 * What a preview assumes of time, before anything was measured here. A training step on one image
 * costs as many multiply-accumulates as the model's forward pass, at a rate that covers forward,
 * backward and update.
 *
 * <p>Origin: 60,000 images of 36.1 M MACs took 205 s on one core in fp32 and 145 s in bf16, two
 * threads were 1.6 times as fast as one ({@code facts.md} §4). Other machines differ by a factor of
 * two either way, hence the band.
 *
 * @param macsPerSecond forward MACs per second of fp32 training on one core
 * @param bf16Speedup how much faster bf16 trains
 * @param threadSpeedup how much faster two threads are than one, per doubling
 * @param inferenceSpeedup how much faster inference is than training
 * @param stageSeconds start, reading and writing of every stage
 * @param band the estimate may be too large or too small by this factor
 */
public record StepTimes(
    double macsPerSecond,
    double bf16Speedup,
    double threadSpeedup,
    double inferenceSpeedup,
    double stageSeconds,
    double band) {

  /** One core of the machine on which the figures were taken. */
  public static final StepTimes ASSUMED = new StepTimes(1.06e10, 1.41, 1.6, 3, 3, 2);

  /** Those of a table, and whole models for as long as four of them each. */
  private static final double TABLE_SHAPES = 164 + 4 * 8;

  /** Seconds of one device for a stage, as far as one can know before running it. */
  double seconds(
      StageSpec stage, Recipe recipe, VitArchitecture base, DatasetSize data, double keep) {
    double macs = Cost.of(base).macs();
    double rate = rate(recipe);
    double inference = rate * inferenceSpeedup;
    return stageSeconds
        + switch (stage.kind()) {
          case PRETRAIN, PRUNE, REDISTRIBUTE -> 0;
          case SEARCH -> search(stage, base, data, rate, inference);
          case FINETUNE -> {
            double teacher = recipe.distillationWeight() > 0 ? macs / inference : 0;
            double epochs = number(stage.parameters(), "epochs");
            double images = epochs * data.train();
            double validation = (epochs + 1) * data.validation();
            yield images * (keep * macs / rate + teacher) + validation * keep * macs / inference;
          }
          case EVALUATE -> {
            if (stage.algorithm().equals("latency-table")) {
              yield table(stage, macs, inference);
            }
            boolean timed = !stage.algorithm().equals(Planner.ACCURACY);
            double images =
                3.0 * data.test()
                    + (timed
                        ? (number(stage.parameters(), "batchSize") + 1)
                            * number(stage.parameters(), "runs")
                            * 1.2
                        : 0);
            yield images * (1 + keep) * macs / inference;
          }
        };
  }

  /** Shapes of all widths from the floors up, and the base in turns with every four of them. */
  private static double table(StageSpec stage, double macs, double inference) {
    double images = number(stage.parameters(), "batchSize") * number(stage.parameters(), "runs");
    return TABLE_SHAPES * (0.4 + 0.25) * images * macs / inference;
  }

  private static double search(
      StageSpec stage, VitArchitecture base, DatasetSize data, double rate, double inference) {
    Map<String, Object> parameters = stage.parameters();
    if (!Methods.get(stage.algorithm()).searchUsesDataset()) {
      return 0;
    }
    double macs = Cost.of(base).macs();
    if (parameters.containsKey("images")) {
      return reconstruction(parameters, base, data, rate, inference);
    }
    if (parameters.containsKey("epochs")) {
      double teacher = parameters.containsKey("distillationWeight") ? macs / inference : 0;
      return number(parameters, "epochs")
          * (data.train() * (macs / rate + teacher) + data.validation() * macs / inference);
    }
    return parameters.containsKey("keepRatioTo") && parameters.containsKey("chunksPerStep")
        ? chain(parameters, base, macs, rate, inference)
        : 0;
  }

  /**
   * Some images pass each block to score it; block after block is trained on them, once where a
   * budget says what it keeps, and otherwise for each candidate: half of all that there are.
   */
  private static double reconstruction(
      Map<String, Object> parameters,
      VitArchitecture base,
      DatasetSize data,
      double rate,
      double inference) {
    double macs = Cost.of(base).macs();
    boolean candidates = "tolerance".equals(parameters.get("allocation"));
    double trained = candidates ? Math.max(1, base.patches() / number(parameters, "step") / 2) : 1;
    double images = Math.min(number(parameters, "images"), data.train());
    double epochs = parameters.containsKey("epochs") ? number(parameters, "epochs") : 0;
    return images * (epochs * trained * macs / rate + base.depth() * macs / inference);
  }

  /**
   * A link of a chain prunes chunks until the share is reached. MACs are about the square of the
   * share of units that is kept.
   */
  private static double chain(
      Map<String, Object> parameters,
      VitArchitecture base,
      double macs,
      double rate,
      double inference) {
    double from = Math.sqrt(number(parameters, "keepRatioFrom"));
    double to = Math.sqrt(number(parameters, "keepRatioTo"));
    double removed = Math.max(chunks(parameters, base) * (from - to), 1);
    double steps = Math.ceil(removed / number(parameters, "chunksPerStep"));
    double images = steps * number(parameters, "interval") * number(parameters, "batchSize");
    return images * (macs / rate + macs / inference);
  }

  private static double chunks(Map<String, Object> parameters, VitArchitecture base) {
    double chunks = base.embedding() / number(parameters, "embeddingChunk");
    for (BlockShape block : base.blocks()) {
      chunks +=
          block.heads() / number(parameters, "headChunk")
              + block.qkWidth() / number(parameters, "qkChunk")
              + block.vWidth() / number(parameters, "vChunk")
              + block.mlpHidden() / number(parameters, "mlpChunk");
    }
    return chunks;
  }

  private double rate(Recipe recipe) {
    double threads = Math.pow(threadSpeedup, Math.log(recipe.threads()) / Math.log(2));
    return macsPerSecond * threads * (recipe.precision().equals("bf16") ? bf16Speedup : 1);
  }

  private static double number(Map<String, Object> parameters, String name) {
    return ((Number) parameters.get(name)).doubleValue();
  }

  /** The assumptions for people. */
  String inWords() {
    return ("%.1f G multiply-accumulates a second of fp32 training on one core, bf16 %.2f times"
            + " that, %.0f s for each stage's start; a factor of %.0f either way")
        .formatted(macsPerSecond / 1e9, bf16Speedup, stageSeconds, band);
  }
}
