package dev.espalier.trainer.stage;

import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.store.ArtifactException;
import dev.espalier.datasets.Augmentation;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Mixing;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageExecutor;
import dev.espalier.messaging.worker.StageFailure;
import dev.espalier.messaging.worker.StageParameters;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.messaging.worker.StageStopped;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Transplant;
import dev.espalier.pruning.surgery.Uncut;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.Evaluation;
import dev.espalier.pruning.training.TrainingCheckpoint;
import dev.espalier.pruning.training.TrainingObserver;
import dev.espalier.pruning.training.TrainingRecipe;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.VitModel;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.EpochEvaluated;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cuts the base model, or what a method before made of it, as the plan says, then trains the small
 * model until it has recovered.
 *
 * <p>The cut is made anew by every attempt, as it is exact and cheap; the training goes on from the
 * latest checkpoint, bit-equal to a run that was never stopped.
 */
final class FinetuneStage implements StageExecutor {

  private static final Logger LOG = LoggerFactory.getLogger(FinetuneStage.class);

  private final StageFiles files;
  private final TensorEngine tensors;

  FinetuneStage(StageFiles files, TensorEngine tensors) {
    this.files = files;
    this.tensors = tensors;
  }

  @Override
  public StageResult execute(StageContext context) throws Exception {
    TrainingRecipe recipe = recipe(context);
    VitWeights base = Start.of(context, files).weights();
    ImageDataset dataset = files.dataset(context.outsideInput("dataset"), base.architecture());
    VitWeights cut = cut(context, base);
    ArtifactRef unrecovered = files.put(cut);
    try (VitEngine engine = VitEngine.fast(tensors, recipe.precision());
        VitModel model = VitModel.trainable(tensors, cut);
        VitModel teacher = VitModel.frozen(tensors, base);
        TrainingRun run = start(context, engine, model, teacher, dataset, recipe)) {
      Checkpoints checkpoints = new Checkpoints(context, files);
      train(context, run, checkpoints);
      Map<String, ArtifactRef> outputs = new LinkedHashMap<>();
      outputs.put("model", files.put(model.weights()));
      outputs.put("unrecovered", unrecovered);
      checkpoints.finish();
      return new StageResult(outputs, Map.of("train_images_per_s", run.imagesPerSecond()));
    }
  }

  /** The cut model before any training: what the plan keeps, or its redistributed form. */
  private VitWeights cut(StageContext context, VitWeights base) throws StageFailure {
    PruningPlan plan = files.plan(context.input("plan"));
    Optional<ArtifactRef> searched = context.findInput("weights");
    VitWeights weights = searched.isPresent() ? files.model(searched.get()) : base;
    Optional<ArtifactRef> pruned = context.findInput("prunedPlan");
    if (pruned.isPresent()) {
      weights = Transplant.merge(base, weights, files.plan(pruned.get()));
    }
    Optional<ArtifactRef> tensors = context.findInput("tensors");
    Map<String, Tensor> brought = tensors.isPresent() ? files.tensors(tensors.get()) : Map.of();
    return Cut.apply(Uncut.of(weights, plan, brought), plan);
  }

  private TrainingRun start(
      StageContext context,
      VitEngine engine,
      VitModel model,
      VitModel teacher,
      ImageDataset dataset,
      TrainingRecipe recipe) {
    Curves curves = new Curves(context, recipe.batches(dataset.train().size()));
    TrainingRun.Builder builder =
        TrainingRun.of(tensors, engine, model, dataset, recipe).teacher(teacher).observer(curves);
    Optional<TrainingCheckpoint> checkpoint = checkpoint(context);
    if (checkpoint.isPresent()) {
      LOG.info("goes on from step {}", checkpoint.get().step());
      return builder.resume(checkpoint.get());
    }
    TrainingRun run = builder.start();
    curves.report(0, 0, run.evaluate(), 0);
    return run;
  }

  /**
   * The position to go on from. A checkpoint that is gone or damaged costs time, not the stage: the
   * training then starts anew.
   */
  private Optional<TrainingCheckpoint> checkpoint(StageContext context) {
    if (context.checkpoint().isEmpty()) {
      return Optional.empty();
    }
    ArtifactRef saved = context.checkpoint().get().artifact();
    try {
      return Optional.of(TrainingCheckpoint.fromBytes(files.read(saved)));
    } catch (ArtifactException | IllegalArgumentException e) {
      LOG.warn("checkpoint {} cannot be read, the training starts anew", saved.getUri(), e);
      return Optional.empty();
    }
  }

  private static void train(StageContext context, TrainingRun run, Checkpoints checkpoints)
      throws StageStopped {
    while (!run.finished()) {
      if (context.shouldStop()) {
        if (context.checkpointWanted()) {
          checkpoints.save(run.checkpoint().toBytes(), run.steps());
        }
        throw context.stopped(run.steps());
      }
      run.step();
      if (context.checkpointDue() && !run.finished()) {
        checkpoints.save(run.checkpoint().toBytes(), run.steps());
      }
    }
  }

  private static TrainingRecipe recipe(StageContext context) throws StageFailure {
    StageParameters parameters = StageParameters.of(context.spec());
    try {
      return new TrainingRecipe(
          parameters.integer("epochs", 1, 100_000),
          parameters.integer("batchSize", 1, 1 << 20),
          parameters.number("learningRate"),
          parameters.number("weightDecay"),
          parameters.number("warmupEpochs"),
          parameters.number("labelSmoothing"),
          parameters.number("clipNorm"),
          parameters.number("distillationWeight"),
          parameters.number("distillationTemperature"),
          Augmentation.of(parameters.text("augmentation")),
          Numbers.precision(context.spec().getNumerics()),
          Numbers.threads(context.spec().getNumerics()),
          context.spec().getSeed(),
          new Mixing(
              optional(parameters, "mixup"),
              optional(parameters, "cutmix"),
              optional(parameters, "erasing")));
    } catch (IllegalArgumentException e) {
      throw StageParameters.bad("recipe", "a usable recipe", e.getMessage());
    }
  }

  /** A parameter that the planner leaves out where it is 0. */
  private static double optional(StageParameters parameters, String name) throws StageFailure {
    return parameters.find(name).isPresent() ? parameters.number(name) : 0;
  }

  /** Turns what the training tells into points of its curves and evaluated epochs. */
  private static final class Curves implements TrainingObserver {

    private final StageContext context;
    private final int batches;
    private double lossSum;
    private int losses;

    Curves(StageContext context, int batches) {
      this.context = context;
      this.batches = batches;
    }

    @Override
    public void onStep(
        long step,
        long totalSteps,
        double loss,
        double learningRate,
        double gradientNorm,
        double imagesPerSecond) {
      lossSum += loss;
      losses++;
      context.progress(step, totalSteps, imagesPerSecond);
      context.metric("train_loss", step, loss);
      context.metric("learning_rate", step, learningRate);
      context.metric("gradient_norm", step, gradientNorm);
      context.metric("images_per_second", step, imagesPerSecond);
    }

    @Override
    public void onEpoch(int epoch, Evaluation validation) {
      // After a resume inside the epoch this is the mean over what this attempt trained of it.
      report(epoch, (long) epoch * batches, validation, lossSum / Math.max(1, losses));
      lossSum = 0;
      losses = 0;
    }

    void report(int epoch, long step, Evaluation validation, double trainLoss) {
      context.epochEvaluated(
          EpochEvaluated.newBuilder()
              .setEpoch(epoch)
              .setStep(step)
              .setTop1Accuracy(validation.top1Accuracy())
              .setTop5Accuracy(validation.top5Accuracy())
              .setValidationLoss(validation.loss())
              .setTrainLoss(trainLoss)
              .build());
      context.metric("validation_top1_accuracy", step, validation.top1Accuracy());
      context.metric("validation_loss", step, validation.loss());
    }
  }
}
