package dev.espalier.pruning.nvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.method.BudgetSolver;
import dev.espalier.pruning.method.Chunk;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.Pool;
import dev.espalier.pruning.surgery.WeightMask;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.training.TrainingHook;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What NViT does inside a training ({@code methods/nvit.md} §2-4): scores every batch, and at the
 * end of every interval sets the lowest chunks to zero for good.
 *
 * <p>Removed units stay zero because their weights are masked again after every update, and layer
 * norms look at live channels only: the model that trains is the cut model, in a larger coat.
 */
final class NvitPruning implements TrainingHook, AutoCloseable {

  private final NvitSettings settings;
  private final VitArchitecture vit;
  private final Divisors divisors;
  private final NDManager manager;
  private final LiveUnits units;
  private final RunningScores scores;
  private final List<List<Chunk>> removals = new ArrayList<>();
  private Map<String, List<NDArray>> masks = Map.of();
  private NDManager maskManager;
  private Gates gates = Gates.NONE;
  private boolean pruned;
  private boolean finished;

  NvitPruning(NvitSettings settings, VitModel model) {
    this.settings = settings;
    this.vit = model.architecture();
    this.divisors = Divisors.ofDepth(vit.depth());
    this.manager = model.manager().newSubManager();
    this.units = new LiveUnits(vit);
    this.scores = new RunningScores(units, settings.momentum(), true);
    this.finished = cost() <= target();
  }

  /** Masked layer norms; all else is zero in the weights themselves. */
  @Override
  public Gates gates(TrainingRun run) {
    return gates;
  }

  /**
   * Until something is pruned, teacher and student are the same and their divergence has no
   * gradient: the first scores come from the cross entropy alone.
   */
  @Override
  public Objective objective(TrainingRun run, Objective recipe) {
    return pruned ? recipe : recipe.withDistillationWeight(0);
  }

  @Override
  public void afterBackward(TrainingRun run) {
    try (NDManager step = manager.newSubManager();
        GradientMode off = GradientMode.off()) {
      scores.add(TaylorScores.of(vit, divisors, new GradientProducts(run.model(), step)));
    }
  }

  @Override
  public void afterStep(TrainingRun run) {
    maskWeights(run);
    if (scores.batches() == settings.interval()) {
      scores.endInterval(units);
      prune(run);
    }
  }

  private void prune(TrainingRun run) {
    List<Chunk> removed = new ArrayList<>();
    for (GlobalRanking.Ranked ranked : settings.ranking().rank(units, scores::latest)) {
      if (removed.size() == settings.chunksPerStep() || finished) {
        break;
      }
      Chunk chunk = ranked.chunk();
      if (overshoots(chunk)) {
        finished = true; // the next link takes it; see RATIONALE.md
      } else {
        units.remove(chunk.pool(), chunk.units());
        removed.add(chunk);
        finished = cost() <= target();
      }
    }
    if (removed.isEmpty()) {
      finished = true; // nothing left to take
      return;
    }
    removals.add(removed);
    if (!pruned) {
      pruned = true;
      scores.reset(); // from here on the loss is another one
    }
    buildMasks();
    maskWeights(run);
    maskMoments(run);
  }

  private boolean overshoots(Chunk chunk) {
    long after = settings.budget().of(units.shapeWithout(chunk.pool(), chunk.units().size()));
    return after < target() * (1 - BudgetSolver.TOLERANCE);
  }

  private double target() {
    return settings.keepRatioTo() * settings.budget().of(vit);
  }

  private long cost() {
    return units.cost(settings.budget());
  }

  // ---- masks ----

  private void buildMasks() {
    if (maskManager != null) {
      maskManager.close();
    }
    maskManager = manager.newSubManager();
    masks = new LinkedHashMap<>();
    Map<String, int[]> shapes = ParameterShapes.of(vit);
    WeightMask.of(units.plan(), shapes)
        .forEach(
            (name, mask) -> {
              if (!mask.keepsAll()) {
                masks.put(name, arrays(mask, shapes.get(name)));
              }
            });
    Pool embedding = new Pool(UnitKind.EMBEDDING, Pool.EVERYWHERE);
    if (units.count(embedding) < vit.embedding()) {
      float[] kept = new float[vit.embedding()];
      units.units(embedding).forEach(channel -> kept[channel] = 1);
      gates = new Gates(null, maskManager.create(kept), List.of());
    }
  }

  private List<NDArray> arrays(WeightMask mask, int[] of) {
    List<NDArray> arrays = new ArrayList<>();
    if (mask.rows() != null) {
      long[] shape = new long[of.length];
      Arrays.fill(shape, 1);
      shape[0] = mask.rows().length;
      arrays.add(maskManager.create(mask.rows(), new Shape(shape)));
    }
    if (mask.columns() != null) {
      arrays.add(maskManager.create(mask.columns(), new Shape(WeightMask.columnShape(of))));
    }
    return arrays;
  }

  /** An optimizer with a memory would revive what is zero. */
  private void maskWeights(TrainingRun run) {
    masks.forEach((name, arrays) -> arrays.forEach(mask -> run.model().mask(name, mask)));
  }

  private void maskMoments(TrainingRun run) {
    try (GradientMode off = GradientMode.off()) {
      masks.forEach(
          (name, arrays) -> {
            for (NDArray mask : arrays) {
              run.optimizer().firstMoments().get(name).muli(mask);
              run.optimizer().secondMoments().get(name).muli(mask);
            }
          });
    }
  }

  // ---- state ----

  /** Whether the link's keep ratio is reached, or nothing more can go. */
  boolean finished() {
    return finished;
  }

  LiveUnits units() {
    return units;
  }

  RunningScores scores() {
    return scores;
  }

  /** What each pruning step of this attempt removed. */
  List<List<Chunk>> removals() {
    return List.copyOf(removals);
  }

  double keepRatio() {
    return settings.budget().keepRatio(units.shape(), vit);
  }

  @Override
  public Map<String, Tensor> state() {
    return new Trajectory.State(
            pruned, finished, units, settings.chunks(), settings.meanScore(), eta())
        .toTensors(scores);
  }

  private Trajectory.Eta eta() {
    return settings
        .latency()
        .map(gain -> new Trajectory.Eta(gain.eta(), gain.perMedian()))
        .orElse(Trajectory.Eta.NONE);
  }

  /** Takes a state back; the link that made it may have had another end than this one. */
  @Override
  public void restore(Map<String, Tensor> state) {
    Trajectory.State restored = Trajectory.State.of(vit, state);
    scores.restore(state);
    pruned = restored.pruned();
    for (Pool pool : units.pools()) {
      List<Integer> out = new ArrayList<>(units.units(pool));
      out.removeAll(restored.units().units(pool));
      units.remove(pool, out);
    }
    finished = restored.finished() || cost() <= target();
    if (pruned) {
      buildMasks();
    }
  }

  /** A new link begins: what ended the one before does not end this one. */
  void beginLink() {
    finished = cost() <= target();
  }

  @Override
  public void close() {
    manager.close();
  }
}
