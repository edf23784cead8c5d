package dev.espalier.architecture.redistribution;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.Alignment;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Gives a pruned plan the widths that a policy wants, as near as the base, the alignment and the
 * budget allow.
 *
 * <p>MLPs are scaled by one common factor until the cost is that of the pruned plan. Where the
 * base's width or the floor stops them, value widths follow, then query/key widths, then heads; the
 * pruned plan itself lies between the two extremes, so one of them always reaches the budget.
 */
final class EqualBudget {

  private static final double TOLERANCE = 0.01;

  /** What gives way, in this order, when MLPs alone cannot meet the budget. */
  private static final List<UnitKind> RESERVES = List.of(UnitKind.V, UnitKind.QK, UnitKind.HEAD);

  private final PruningPlan pruned;
  private final Importance importance;
  private final Budget budget;
  private final int alignment;
  private final long target;

  /** Indices in the base of the blocks that are kept. */
  private final List<Integer> kept;

  private final List<BlockWidths> baseWidths;

  EqualBudget(PruningPlan pruned, Importance importance, Budget budget, int alignment) {
    importance.checkFits(pruned.base());
    if (alignment < 1) {
      throw new IllegalArgumentException("alignment must be at least 1 but is " + alignment);
    }
    this.pruned = pruned;
    this.importance = importance;
    this.budget = budget;
    this.alignment = alignment;
    this.target = budget.of(pruned.cutArchitecture());
    this.kept =
        IntStream.range(0, pruned.blocks().size())
            .filter(l -> pruned.blocks().get(l).kept())
            .boxed()
            .toList();
    this.baseWidths =
        kept.stream()
            .map(l -> pruned.base().blocks().get(l))
            .map(
                block ->
                    new BlockWidths(
                        block.heads(), block.qkWidth(), block.vWidth(), block.mlpHidden()))
            .toList();
    for (int l : kept) {
      if (pruned.blocks().get(l).attention() != AttentionKind.MSA) {
        throw new IllegalArgumentException(
            "block %d must keep its attention to be redistributed but has %s"
                .formatted(l, pruned.blocks().get(l).attention().text()));
      }
    }
  }

  /** Widths of the kept blocks after pruning. */
  List<BlockWidths> widths() {
    return kept.stream()
        .map(l -> pruned.blocks().get(l))
        .map(
            block ->
                new BlockWidths(
                    block.heads().size(), block.qkWidth(), block.vWidth(), block.mlp().size()))
        .toList();
  }

  /** Widths that the kept blocks have in the base. */
  List<BlockWidths> baseWidths() {
    return baseWidths;
  }

  /**
   * The plan with {@code wanted} widths, one entry per kept block, at the pruned plan's cost.
   *
   * @throws IllegalArgumentException when allowed widths are too coarse to keep the budget, which
   *     happens to models of a few channels only
   */
  PruningPlan fit(List<BlockWidths> wanted) {
    double[] factors = new double[UnitKind.values().length];
    Arrays.fill(factors, 1);
    List<List<Integer>> groups = equalMlps(wanted);
    List<BlockWidths> widths = search(wanted, factors, groups, 0);
    if (isMet(widths, groups)) {
      return plan(widths);
    }
    List<List<Integer>> single = IntStream.range(0, wanted.size()).mapToObj(List::of).toList();
    widths = nudged(widths, single);
    for (boolean nearer = true; nearer && !isMet(widths, single); ) {
      List<BlockWidths> found = uneven(widths, single);
      nearer = miss(found) < miss(widths);
      widths = nearer ? found : widths;
    }
    if (isMet(widths, single)) {
      return plan(widths);
    }
    throw new IllegalArgumentException(
        "widths that are multiples of %d must keep %d %s within 1 %% but come no nearer than %d"
            .formatted(alignment, target, budget.kind().text(), cost(widths)));
  }

  /** Scales MLPs; where that is not enough, the next reserve moves first, to either side. */
  private List<BlockWidths> search(
      List<BlockWidths> wanted, double[] factors, List<List<Integer>> groups, int reserve) {
    List<BlockWidths> best = nudged(scaled(wanted, factors, UnitKind.MLP), groups);
    if (reserve == RESERVES.size() || isMet(best, groups)) {
      return best;
    }
    boolean tooSmall = cost(best) < target;
    for (boolean past : new boolean[] {tooSmall, !tooSmall}) {
      double[] moved = factors.clone();
      UnitKind kind = RESERVES.get(reserve);
      double reached = reaching(wanted, moved, kind);
      moved[kind.ordinal()] = past ? reached : Math.nextDown(reached);
      List<BlockWidths> widths = search(wanted, moved, groups, reserve + 1);
      if (miss(widths) < miss(best)) {
        best = widths;
      }
      if (isMet(best, groups)) {
        return best;
      }
    }
    return best;
  }

  /** The last resort: one reserve of one block moves by a step, single MLPs make up for it. */
  private List<BlockWidths> uneven(List<BlockWidths> widths, List<List<Integer>> single) {
    List<BlockWidths> best = widths;
    for (UnitKind kind : RESERVES) {
      for (List<Integer> block : single) {
        for (int direction : new int[] {-1, 1}) {
          List<BlockWidths> tried = nudged(moved(widths, block, kind, direction), single);
          best = miss(tried) < miss(best) ? tried : best;
        }
      }
    }
    return best;
  }

  /** Blocks by the MLP width that is wanted for them: what is scaled together. */
  private static List<List<Integer>> equalMlps(List<BlockWidths> wanted) {
    Map<Integer, List<Integer>> groups = new TreeMap<>();
    for (int b = 0; b < wanted.size(); b++) {
      groups.computeIfAbsent(wanted.get(b).mlp(), mlp -> new ArrayList<>()).add(b);
    }
    return List.copyOf(groups.values());
  }

  /** Widths with one kind's factor set so that the cost comes nearest to the target. */
  private List<BlockWidths> scaled(List<BlockWidths> wanted, double[] factors, UnitKind kind) {
    double reached = reaching(wanted, factors, kind);
    factors[kind.ordinal()] = reached;
    List<BlockWidths> above = allowed(wanted, factors);
    factors[kind.ordinal()] = Math.nextDown(reached);
    List<BlockWidths> below = allowed(wanted, factors);
    if (target - cost(below) <= cost(above) - target) {
      return below;
    }
    factors[kind.ordinal()] = reached;
    return above;
  }

  /** The smallest factor of that kind with which the cost reaches the target, or the largest. */
  private double reaching(List<BlockWidths> wanted, double[] factors, UnitKind kind) {
    double[] tried = factors.clone();
    double low = 1e-4;
    double high = 1e4;
    for (double middle = 1; low < middle && middle < high; middle = Math.sqrt(low * high)) {
      tried[kind.ordinal()] = middle;
      if (cost(allowed(wanted, tried)) < target) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }

  /**
   * Moves groups of MLPs by single steps while that comes nearer: a common factor may move the ends
   * and the middle at once and so miss the budget by more than it need.
   */
  private List<BlockWidths> nudged(List<BlockWidths> widths, List<List<Integer>> groups) {
    List<BlockWidths> best = widths;
    for (boolean nearer = true; nearer; ) {
      nearer = false;
      List<BlockWidths> from = best;
      for (List<Integer> group : groups) {
        for (int direction : new int[] {-1, 1}) {
          List<BlockWidths> moved = moved(from, group, UnitKind.MLP, direction);
          if (miss(moved) < miss(best)) {
            best = moved;
            nearer = true;
          }
        }
      }
    }
    return best;
  }

  /** Whether no smaller step than twice the miss exists. */
  private boolean withinHalfAStep(List<BlockWidths> widths, List<List<Integer>> groups) {
    long smallest = Long.MAX_VALUE;
    for (List<Integer> group : groups) {
      for (int direction : new int[] {-1, 1}) {
        long step = Math.abs(cost(moved(widths, group, UnitKind.MLP, direction)) - cost(widths));
        smallest = step == 0 ? smallest : Math.min(smallest, step);
      }
    }
    return smallest < Long.MAX_VALUE && 2 * miss(widths) <= smallest;
  }

  private List<BlockWidths> moved(
      List<BlockWidths> widths, List<Integer> group, UnitKind kind, int direction) {
    List<BlockWidths> moved = new ArrayList<>(widths);
    for (int b : group) {
      BlockWidths cap = baseWidths.get(b);
      BlockWidths old = widths.get(b);
      moved.set(
          b,
          switch (kind) {
            case HEAD -> old.withHeads(next(kind, cap.heads(), old.heads(), direction));
            case QK -> old.withQk(next(kind, cap.qk(), old.qk(), direction));
            case V -> old.withV(next(kind, cap.v(), old.v(), direction));
            case MLP -> old.withMlp(next(kind, cap.mlp(), old.mlp(), direction));
            default -> old;
          });
    }
    return moved;
  }

  private int next(UnitKind kind, int cap, int width, int direction) {
    List<Integer> allowed = Alignment.widths(kind, cap, alignment);
    int at = allowed.indexOf(width) + direction;
    return at < 0 || at >= allowed.size() ? width : allowed.get(at);
  }

  private List<BlockWidths> allowed(List<BlockWidths> wanted, double[] factors) {
    List<BlockWidths> widths = new ArrayList<>();
    for (int b = 0; b < wanted.size(); b++) {
      BlockWidths block = wanted.get(b);
      BlockWidths cap = baseWidths.get(b);
      widths.add(
          new BlockWidths(
              allowed(UnitKind.HEAD, cap.heads(), block.heads(), factors),
              allowed(UnitKind.QK, cap.qk(), block.qk(), factors),
              allowed(UnitKind.V, cap.v(), block.v(), factors),
              allowed(UnitKind.MLP, cap.mlp(), block.mlp(), factors)));
    }
    return widths;
  }

  private int allowed(UnitKind kind, int cap, int wanted, double[] factors) {
    return Alignment.nearest(kind, cap, alignment, Math.min(cap, wanted * factors[kind.ordinal()]));
  }

  private boolean isMet(List<BlockWidths> widths, List<List<Integer>> groups) {
    return miss(widths) <= TOLERANCE * target || withinHalfAStep(widths, groups);
  }

  private long miss(List<BlockWidths> widths) {
    return Math.abs(cost(widths) - target);
  }

  private long cost(List<BlockWidths> widths) {
    List<BlockShape> shapes =
        widths.stream()
            .map(block -> BlockShape.msa(block.heads(), block.qk(), block.v(), block.mlp()))
            .toList();
    VitArchitecture vit = pruned.base().withWidths(pruned.embedding().size(), shapes);
    return budget.of(vit);
  }

  private PruningPlan plan(List<BlockWidths> widths) {
    List<BlockPlan> blocks = new ArrayList<>(pruned.blocks());
    for (int b = 0; b < widths.size(); b++) {
      int l = kept.get(b);
      blocks.set(l, block(pruned.blocks().get(l), importance.blocks().get(l), widths.get(b)));
    }
    return new PruningPlan(pruned.base(), pruned.embedding(), blocks);
  }

  private static BlockPlan block(BlockPlan before, BlockImportance scores, BlockWidths widths) {
    Set<Integer> qk = new TreeSet<>();
    Set<Integer> v = new TreeSet<>();
    for (HeadPlan head : before.heads()) {
      qk.addAll(head.qk());
      v.addAll(head.v());
    }
    return BlockPlan.aligned(
        pick(scores.heads(), new TreeSet<>(before.headIndices()), widths.heads()),
        pick(scores.qk(), qk, widths.qk()),
        pick(scores.v(), v, widths.v()),
        pick(scores.mlp(), new TreeSet<>(before.mlp()), widths.mlp()));
  }

  /** The {@code count} best units: kept ones first, then by score, then by index; ascending. */
  private static List<Integer> pick(double[] scores, Set<Integer> kept, int count) {
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(
            Comparator.comparing((Integer unit) -> !kept.contains(unit))
                .thenComparing(unit -> scores[unit], Comparator.reverseOrder())
                .thenComparing(Comparator.naturalOrder()))
        .limit(count)
        .sorted()
        .toList();
  }
}
