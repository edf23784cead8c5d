package dev.espalier.pruning.method;

import dev.espalier.pruning.training.Evaluation;
import dev.espalier.pruning.training.TrainingCheckpoint;
import dev.espalier.pruning.training.TrainingObserver;
import dev.espalier.pruning.training.TrainingRun;
import java.util.Map;
import java.util.TreeMap;

/**
 * A search that is one training with something learned beside the weights. What is learned and what
 * is found in it is the method's; a subclass calls {@link #open} last in its constructor.
 */
public abstract class TrainedSearch implements Search {

  private SearchRequest request;
  private TrainingRun run;
  private Result result;

  /** Starts the training, or goes on from the request's checkpoint, and reports its steps. */
  protected final void open(SearchRequest request, TrainingRun.Builder training) {
    this.request = request;
    TrainingRun.Builder observed = training.observer(new Observer());
    this.run =
        request
            .checkpoint()
            .map(TrainingCheckpoint::fromBytes)
            .map(observed::resume)
            .orElseGet(observed::start);
  }

  /** Figures of the last batch, beside loss, gradient norm and images a second. */
  protected Map<String, Double> seen() {
    return Map.of();
  }

  /** Figures of an epoch, once its model was evaluated. */
  protected Map<String, Double> seen(Evaluation validation) {
    return Map.of();
  }

  /** What the finished training found; asked for once. */
  protected abstract Result found();

  private final class Observer implements TrainingObserver {
    @Override
    public void onStep(
        long step,
        long totalSteps,
        double loss,
        double learningRate,
        double gradientNorm,
        double imagesPerSecond) {
      Map<String, Double> values = new TreeMap<>(seen());
      values.put("loss", loss);
      values.put("gradient_norm", gradientNorm);
      values.put("images_per_s", imagesPerSecond);
      request.observer().onStep(step, values);
    }

    @Override
    public void onEpoch(int epoch, Evaluation validation) {
      Map<String, Double> values = seen(validation);
      if (!values.isEmpty()) {
        request.observer().onStep(run.steps(), values);
      }
    }
  }

  /** The training underneath. */
  public final TrainingRun run() {
    return run;
  }

  @Override
  public final boolean finished() {
    return run.finished();
  }

  @Override
  public final void step() {
    run.step();
  }

  @Override
  public final long steps() {
    return run.steps();
  }

  @Override
  public final double progress() {
    return (double) run.steps() / run.totalSteps();
  }

  @Override
  public final byte[] checkpoint() {
    return run.checkpoint().toBytes();
  }

  @Override
  public final Result result() {
    if (!finished()) {
      throw new IllegalStateException("the search is not finished");
    }
    if (result == null) {
      result = found();
    }
    return result;
  }

  /** Closes the training; subclasses close their models after it. */
  @Override
  public void close() {
    run.close();
  }
}
