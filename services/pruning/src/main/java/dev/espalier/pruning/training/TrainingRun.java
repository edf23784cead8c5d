package dev.espalier.pruning.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.datasets.EpochOrder;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.pruning.engine.AdamW;
import dev.espalier.pruning.engine.AdamWSettings;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * One training of one model, update by update.
 *
 * <p>All that a run will do follows from the model's weights, the optimizer's moments and the
 * number of the update: order and augmentation are drawn from (seed, epoch, image), the learning
 * rate from the number. A run resumed from a {@link TrainingCheckpoint} is therefore bit-equal to
 * one that was never stopped, given the same recipe, data, device and library.
 *
 * <p>On a GPU, too, but for SPViT's convolutions, whose gradients cuDNN adds up in no fixed order.
 *
 * <p>A run belongs to one thread. Runs in several threads do not disturb each other, but share the
 * process' thread count.
 */
public final class TrainingRun implements AutoCloseable {

  private final TensorEngine tensors;
  private final VitEngine engine;
  private final VitModel model;
  private final Optional<VitModel> teacher;
  private final ImageDataset dataset;
  private final TrainingRecipe recipe;
  private final LearningRate learningRate;
  private final TrainingHook hook;
  private final TrainingObserver observer;
  private final AdamW optimizer;
  private final int batches;
  private long step;
  private int orderedEpoch = -1;
  private int[] order;
  private long trainingNanos;
  private long trainedImages;

  private TrainingRun(Builder builder) {
    this.tensors = builder.tensors;
    this.engine = builder.engine;
    this.model = builder.model;
    this.teacher = Optional.ofNullable(builder.teacher);
    this.dataset = builder.dataset;
    this.recipe = builder.recipe;
    this.batches = recipe.batches(dataset.train().size());
    this.learningRate =
        builder.learningRate != null
            ? builder.learningRate
            : LearningRate.warmUpThenCosine(recipe, dataset.train().size());
    this.hook = builder.hook;
    this.observer = builder.observer;
    this.optimizer =
        engine.newOptimizer(
            model, hook.parameters(), AdamWSettings.withDecay(recipe.weightDecay()));
    if (recipe.objective().distils() && teacher.isEmpty()) {
      throw new IllegalArgumentException("a recipe that distils needs a teacher");
    }
  }

  /**
   * A run in the making.
   *
   * @param model trained in place; stays the caller's to close
   */
  public static Builder of(
      TensorEngine tensors,
      VitEngine engine,
      VitModel model,
      ImageDataset dataset,
      TrainingRecipe recipe) {
    return new Builder(tensors, engine, model, dataset, recipe);
  }

  /** Parts of a run that not every run has. */
  public static final class Builder {
    private final TensorEngine tensors;
    private final VitEngine engine;
    private final VitModel model;
    private final ImageDataset dataset;
    private final TrainingRecipe recipe;
    private VitModel teacher;
    private LearningRate learningRate;
    private TrainingHook hook = TrainingHook.NONE;
    private TrainingObserver observer = TrainingObserver.NONE;

    private Builder(
        TensorEngine tensors,
        VitEngine engine,
        VitModel model,
        ImageDataset dataset,
        TrainingRecipe recipe) {
      this.tensors = tensors;
      this.engine = engine;
      this.model = model;
      this.dataset = dataset;
      this.recipe = recipe;
    }

    /** The model to learn from where the recipe distils; stays the caller's to close. */
    public Builder teacher(VitModel teacher) {
      this.teacher = teacher;
      return this;
    }

    /** Another schedule than warm-up and cosine. */
    public Builder learningRate(LearningRate learningRate) {
      this.learningRate = learningRate;
      return this;
    }

    public Builder hook(TrainingHook hook) {
      this.hook = hook;
      return this;
    }

    public Builder observer(TrainingObserver observer) {
      this.observer = observer;
      return this;
    }

    /** A run that starts with the model's weights as they are. */
    public TrainingRun start() {
      return new TrainingRun(this);
    }

    /** A run that goes on where the checkpoint was taken; overwrites the model's weights. */
    public TrainingRun resume(TrainingCheckpoint checkpoint) {
      TrainingRun run = new TrainingRun(this);
      run.restore(checkpoint);
      return run;
    }
  }

  /** How {@link #run} ended. */
  public enum Outcome {
    FINISHED,
    /** It was asked to stop; {@link #checkpoint} has all that is needed to go on. */
    STOPPED
  }

  /** Trains to the end, or until asked to stop, which is looked up before each update. */
  public Outcome run(BooleanSupplier shouldStop) {
    while (!finished()) {
      if (shouldStop.getAsBoolean()) {
        return Outcome.STOPPED;
      }
      step();
    }
    return Outcome.FINISHED;
  }

  /**
   * Makes one update, and evaluates after the last one of an epoch.
   *
   * @throws DivergedException when loss or gradients are not finite; the weights are then those
   *     before this update
   */
  public void step() {
    if (finished()) {
      throw new IllegalStateException("all " + totalSteps() + " steps are done");
    }
    long started = System.nanoTime();
    int epoch = epoch();
    int[] indices = indices(epoch, Math.toIntExact(step % batches));
    double rate = learningRate.at(step);
    double loss = backward(indices, epoch);
    hook.afterBackward(this);
    double norm = optimizer.clip(recipe.clipNorm());
    if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
      optimizer.zeroGradients();
      throw new DivergedException(step, loss, norm);
    }
    optimizer.step(name -> hook.learningRate(this, name, rate));
    step++;
    hook.afterStep(this);
    long nanos = System.nanoTime() - started;
    trainingNanos += nanos;
    trainedImages += indices.length;
    observer.onStep(step, totalSteps(), loss, rate, norm, indices.length * 1e9 / nanos);
    if (step % batches == 0) {
      observer.onEpoch(epoch + 1, evaluate());
    }
  }

  private int[] indices(int epoch, int batch) {
    int images = dataset.train().size();
    if (epoch != orderedEpoch) {
      order = EpochOrder.of(images, recipe.seed(), epoch);
      orderedEpoch = epoch;
    }
    int from = batch * recipe.batchSize();
    return Arrays.copyOfRange(order, from, Math.min(from + recipe.batchSize(), images));
  }

  private double backward(int[] indices, int epoch) {
    try (NDManager batch = tensors.newManager()) {
      float[] pixels =
          dataset.batch(dataset.train(), indices, recipe.augmentation(), recipe.seed(), epoch);
      int side = dataset.imageSize();
      recipe.mixing().erase(pixels, indices, dataset.channels(), side, recipe.seed(), epoch);
      NDArray labels = labels(batch, pixels, indices, epoch); // mixes the pixels, too
      NDArray images =
          batch.create(pixels, new Shape(indices.length, dataset.channels(), side, side));
      return hook.backward(this, new TrainingHook.Batch(images, labels));
    }
  }

  /** Classes, (B); or shares of classes, (B, classes), of images that are mixed in place. */
  private NDArray labels(NDManager batch, float[] pixels, int[] indices, int epoch) {
    int[] classes = dataset.labels(dataset.train(), indices);
    if (!recipe.mixing().mixesLabels()) {
      return batch.create(Arrays.stream(classes).asLongStream().toArray());
    }
    float[] shares =
        recipe
            .mixing()
            .mix(
                pixels,
                classes,
                dataset.classes(),
                dataset.channels(),
                dataset.imageSize(),
                recipe.seed(),
                epoch,
                Math.toIntExact(step % batches));
    return batch.create(shares, new Shape(indices.length, dataset.classes()));
  }

  /** Forward and backward pass of a batch through the run's engine; gives the loss. */
  double backward(TrainingHook.Batch batch, Gates gates, Objective objective) {
    NDArray guidance =
        objective.distils() ? engine.logits(teacher.orElseThrow(), batch.images()) : null;
    return engine
        .backward(model, batch.images(), batch.labels(), objective, guidance, gates)
        .loss();
  }

  /** The model as it is now, on the validation images. */
  public Evaluation evaluate() {
    return new Evaluator(tensors, engine, Math.max(256, recipe.batchSize()))
        .evaluate(images -> hook.logits(this, images), dataset, dataset.validation());
  }

  public boolean finished() {
    return step >= totalSteps();
  }

  /** Updates made so far, counting those before a resume. */
  public long steps() {
    return step;
  }

  public long totalSteps() {
    return (long) recipe.epochs() * batches;
  }

  /** Epoch of the coming update, from 0. */
  public int epoch() {
    return Math.toIntExact(step / batches);
  }

  public VitModel model() {
    return model;
  }

  public VitEngine engine() {
    return engine;
  }

  /** The model to learn from, where there is one. */
  public Optional<VitModel> teacher() {
    return teacher;
  }

  /** Moments of the optimizer, for hooks that clear those of masked weights. */
  public AdamW optimizer() {
    return optimizer;
  }

  public TrainingRecipe recipe() {
    return recipe;
  }

  /** Images trained per second of this run, without evaluation; 0 before the first update. */
  public double imagesPerSecond() {
    return trainingNanos == 0 ? 0 : trainedImages * 1e9 / trainingNanos;
  }

  /** All that is needed to go on from here. */
  public TrainingCheckpoint checkpoint() {
    Map<String, Tensor> first = new LinkedHashMap<>();
    Map<String, Tensor> second = new LinkedHashMap<>();
    optimizer.firstMoments().forEach((name, m) -> first.put(name, VitModel.host(m)));
    optimizer.secondMoments().forEach((name, v) -> second.put(name, VitModel.host(v)));
    Map<String, Tensor> weights = new LinkedHashMap<>(model.weights().tensors());
    hook.parameters().forEach((name, p) -> weights.put(name, VitModel.host(p)));
    return new TrainingCheckpoint(step, optimizer.steps(), weights, first, second, hook.state());
  }

  private void restore(TrainingCheckpoint checkpoint) {
    Map<String, NDArray> parameters = new LinkedHashMap<>(model.parameters());
    parameters.putAll(hook.parameters());
    if (!checkpoint.weights().keySet().equals(parameters.keySet())) {
      throw new IllegalArgumentException("the checkpoint is of another architecture");
    }
    if (checkpoint.step() > totalSteps()) {
      throw new IllegalArgumentException(
          "the checkpoint is at step %d of a run of %d".formatted(checkpoint.step(), totalSteps()));
    }
    checkpoint.weights().forEach((name, tensor) -> VitModel.assign(parameters.get(name), tensor));
    optimizer
        .firstMoments()
        .forEach((n, m) -> VitModel.assign(m, checkpoint.firstMoments().get(n)));
    optimizer
        .secondMoments()
        .forEach((n, v) -> VitModel.assign(v, checkpoint.secondMoments().get(n)));
    optimizer.restoreSteps(checkpoint.updates());
    step = checkpoint.step();
    hook.restore(checkpoint.hookState());
  }

  /** Frees the optimizer's moments; model, teacher and engine stay open. */
  @Override
  public void close() {
    optimizer.close();
  }
}
