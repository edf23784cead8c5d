package dev.espalier.pruning.wdpruning;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.Alignment;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.pruning.method.BudgetSolver;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Widths that meet a budget at a given depth. Thresholds give them up to one number: all are
 * shifted by the same amount until the cost is met, then single layers give or take a step.
 */
final class Widths {

  private static final double FAR = 60;

  private final VitArchitecture base;
  private final int depth;
  private final List<List<List<Integer>>> allowed = new ArrayList<>(); // depth, 4, widths

  Widths(VitArchitecture base, int depth, int alignment) {
    this.base = base;
    this.depth = depth;
    for (BlockShape block : base.blocks().subList(0, depth)) {
      List<List<Integer>> widths = new ArrayList<>();
      for (Sublayer layer : Sublayer.values()) {
        int units = layer.units(block, base.embedding());
        widths.add(Alignment.widths(layer.kind(), units, alignment));
      }
      allowed.add(widths);
    }
  }

  /** Refuses a base whose blocks are not all plain self-attention. */
  static void requirePlain(VitArchitecture base) {
    for (int l = 0; l < base.depth(); l++) {
      BlockShape block = base.blocks().get(l);
      if (block.attention() != AttentionKind.MSA || !block.wiring().isAll()) {
        throw new IllegalArgumentException(
            "block %d must have attention that reads and writes all channels but has %s, %s"
                .formatted(l, block.attention().text(), block.wiring()));
      }
    }
  }

  /** The share that all layers keep alike where a model of that depth costs {@code target}. */
  double uniformShare(TargetKind kind, double target) {
    double low = 1e-3;
    double high = 1 - 1e-9;
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      int[][] counts = counts(layerIndex -> middle);
      if (cost(counts, kind) > target) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return (low + high) / 2;
  }

  /** Least cost at this depth. */
  long least(TargetKind kind) {
    return cost(indices(layer -> 0), kind);
  }

  /** Greatest cost at this depth. */
  long most(TargetKind kind) {
    return cost(
        indices(i -> allowed.get(i / Sublayer.COUNT).get(i % Sublayer.COUNT).size() - 1), kind);
  }

  /**
   * The plan whose cost is nearest to {@code target}; nothing where this depth is too costly, or
   * too cheap, whatever its widths.
   */
  Optional<PruningPlan> plan(Findings findings, TargetKind kind, double target) {
    double tolerance = BudgetSolver.TOLERANCE * target;
    if (most(kind) < target - tolerance || least(kind) > target + tolerance) {
      return Optional.empty();
    }
    double low = -FAR;
    double high = FAR;
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      if (cost(shifted(findings, middle), kind) > target) {
        high = middle;
      } else {
        low = middle;
      }
    }
    int[][] below = shifted(findings, low);
    int[][] above = shifted(findings, high);
    boolean belowIsNearer =
        Math.abs(cost(below, kind) - target) <= Math.abs(cost(above, kind) - target);
    int[][] counts = belowIsNearer ? below : above;
    while (Math.abs(cost(counts, kind) - target) > tolerance && comeCloser(counts, kind, target)) {
      // each round makes the best move
    }
    return Optional.of(plan(findings, counts));
  }

  private int[][] shifted(Findings findings, double shift) {
    return counts(
        i -> Threshold.keptShare(findings.betas()[i / Sublayer.COUNT][i % Sublayer.COUNT] + shift));
  }

  /** Allowed widths nearest to the shares, as places in {@link #allowed}. */
  private int[][] counts(IntFunction<Double> share) {
    return indices(
        i -> {
          List<Integer> widths = allowed.get(i / Sublayer.COUNT).get(i % Sublayer.COUNT);
          double wanted = Math.ceil(share.apply(i) * widths.get(widths.size() - 1));
          int nearest = 0;
          for (int w = 1; w < widths.size(); w++) {
            if (Math.abs(widths.get(w) - wanted) <= Math.abs(widths.get(nearest) - wanted)) {
              nearest = w;
            }
          }
          return nearest;
        });
  }

  private int[][] indices(IntFunction<Integer> place) {
    int[][] places = new int[depth][Sublayer.COUNT];
    for (int i = 0; i < depth * Sublayer.COUNT; i++) {
      places[i / Sublayer.COUNT][i % Sublayer.COUNT] = place.apply(i);
    }
    return places;
  }

  /** Makes the step, or pair of steps, of single layers that comes nearest, if any comes nearer. */
  private boolean comeCloser(int[][] counts, TargetKind kind, double target) {
    double best = Math.abs(cost(counts, kind) - target);
    int[] first = null;
    int[] second = null;
    List<int[]> moves = new ArrayList<>();
    for (int i = 0; i < depth * Sublayer.COUNT; i++) {
      moves.add(new int[] {i, 1});
      moves.add(new int[] {i, -1});
    }
    for (int a = 0; a < moves.size(); a++) {
      if (!move(counts, moves.get(a), 1)) {
        continue;
      }
      double error = Math.abs(cost(counts, kind) - target);
      if (error < best) {
        best = error;
        first = moves.get(a);
        second = null;
      }
      for (int b = a + 1; b < moves.size() && best > BudgetSolver.TOLERANCE * target; b++) {
        if (move(counts, moves.get(b), 1)) {
          error = Math.abs(cost(counts, kind) - target);
          if (error < best) {
            best = error;
            first = moves.get(a);
            second = moves.get(b);
          }
          move(counts, moves.get(b), -1);
        }
      }
      move(counts, moves.get(a), -1);
    }
    if (first == null) {
      return false;
    }
    move(counts, first, 1);
    if (second != null) {
      move(counts, second, 1);
    }
    return true;
  }

  private boolean move(int[][] counts, int[] move, int direction) {
    int l = move[0] / Sublayer.COUNT;
    int i = move[0] % Sublayer.COUNT;
    int to = counts[l][i] + direction * move[1];
    if (to < 0 || to >= allowed.get(l).get(i).size()) {
      return false;
    }
    counts[l][i] = to;
    return true;
  }

  private int width(int[][] counts, int l, Sublayer layer) {
    return allowed.get(l).get(layer.ordinal()).get(counts[l][layer.ordinal()]);
  }

  private long cost(int[][] counts, TargetKind kind) {
    List<BlockShape> blocks = new ArrayList<>();
    for (int l = 0; l < depth; l++) {
      BlockShape shape = base.blocks().get(l);
      List<Integer> attention = firstChannels(width(counts, l, Sublayer.PROJ));
      List<Integer> mlp = firstChannels(width(counts, l, Sublayer.FC2));
      blocks.add(
          BlockShape.msa(
                  width(counts, l, Sublayer.QKV),
                  shape.qkWidth(),
                  shape.vWidth(),
                  width(counts, l, Sublayer.FC1))
              .with(new Wiring(List.of(), attention, List.of(), mlp))
              .with(shape.tokens()));
    }
    return Cost.of(base.withWidths(base.embedding(), blocks)).of(kind);
  }

  private List<Integer> firstChannels(int count) {
    return count == base.embedding() ? List.of() : range(count);
  }

  private PruningPlan plan(Findings findings, int[][] counts) {
    List<BlockPlan> blocks = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      blocks.add(l < depth ? block(findings.scores()[l], counts, l) : BlockPlan.REMOVED);
    }
    return new PruningPlan(base, range(base.embedding()), blocks);
  }

  private BlockPlan block(float[][] scores, int[][] counts, int l) {
    BlockShape shape = base.blocks().get(l);
    List<List<Integer>> kept = new ArrayList<>();
    for (Sublayer layer : Sublayer.values()) {
      kept.add(Threshold.best(scores[layer.ordinal()], width(counts, l, layer)));
    }
    List<HeadPlan> heads =
        kept.get(Sublayer.QKV.ordinal()).stream()
            .map(head -> new HeadPlan(head, range(shape.qkWidth()), range(shape.vWidth())))
            .toList();
    return BlockPlan.msa(heads, kept.get(Sublayer.FC1.ordinal()))
        .with(
            new Wiring(
                List.of(),
                written(kept.get(Sublayer.PROJ.ordinal())),
                List.of(),
                written(kept.get(Sublayer.FC2.ordinal()))));
  }

  private List<Integer> written(List<Integer> channels) {
    return channels.size() == base.embedding() ? List.of() : channels;
  }

  private static List<Integer> range(int size) {
    return IntStream.range(0, size).boxed().toList();
  }
}
