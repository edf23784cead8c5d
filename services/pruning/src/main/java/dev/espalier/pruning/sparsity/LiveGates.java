package dev.espalier.pruning.sparsity;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.Alignment;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.pruning.method.BudgetSolver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What is left of a model while gates fall, and the steps in which they may: from one allowed width
 * of a place to the next. Heads may have unequal widths. Mutable.
 *
 * <p>Shares say when a step is due: when so many gates of its place have fallen that the smaller
 * width holds what is left.
 */
public final class LiveGates {

  private final VitArchitecture base;
  private final int alignment;
  private final List<Block> blocks = new ArrayList<>();
  private final List<Due> steps = new ArrayList<>();
  private boolean dropsTokens;

  private record Due(double share, BudgetSolver.Step step) {}

  /** What lives of a block, true for yes. */
  private static final class Block {
    boolean[] attentionReads;
    boolean[] mlpReads;
    boolean[] heads;
    boolean[][] qk;
    boolean[][] v;
    boolean[] mlp;
    boolean[] tokens;
  }

  /** Everything lives. */
  public LiveGates(VitArchitecture base, int alignment) {
    this.base = base;
    this.alignment = alignment;
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      if (!shape.wiring().isAll()) {
        throw new IllegalArgumentException(
            "block %d must read and write all residual channels but has a wiring".formatted(l));
      }
      boolean attends = shape.attention() == AttentionKind.MSA;
      Block block = new Block();
      block.attentionReads = all(base.embedding());
      block.mlpReads = all(base.embedding());
      block.heads = all(attends ? shape.heads() : 0);
      block.qk = new boolean[block.heads.length][];
      block.v = new boolean[block.heads.length][];
      for (int h = 0; h < block.heads.length; h++) {
        block.qk[h] = all(shape.qkWidth());
        block.v[h] = all(shape.vWidth());
      }
      block.mlp = all(shape.mlpHidden());
      block.tokens = all(base.tokens());
      blocks.add(block);
    }
  }

  private static boolean[] all(int width) {
    boolean[] all = new boolean[width];
    Arrays.fill(all, true);
    return all;
  }

  // ---- what may fall ----

  /** Channels of norm1's output may fall, (d). */
  public void attentionReads(int l, double[] shares) {
    place(UnitKind.ATTENTION_INPUT, l, blocks.get(l).attentionReads, shares);
  }

  /** Channels of norm2's output may fall, (d). */
  public void mlpReads(int l, double[] shares) {
    place(UnitKind.MLP_INPUT, l, blocks.get(l).mlpReads, shares);
  }

  /** Hidden units may fall, (M). */
  public void mlp(int l, double[] shares) {
    place(UnitKind.MLP, l, blocks.get(l).mlp, shares);
  }

  private void place(UnitKind kind, int l, boolean[] live, double[] shares) {
    List<Integer> order = order(shares);
    for (int[] cut : cuts(kind, live.length)) {
      List<Integer> units = order.subList(cut[0], cut[1]);
      steps.add(new Due(shares[order.get(cut[1] - 1)], step(kind + "." + l, List.of(live), units)));
    }
  }

  /**
   * Value channels of each head may fall, (H * v), and with them query/key channels of the same
   * index where these share the gate.
   *
   * @param aligned whether the heads of a block keep equal widths: ceil of the mean count
   */
  public void channels(int l, double[] shares, boolean aligned, boolean sharedWithKeys) {
    Block block = blocks.get(l);
    int heads = block.heads.length;
    int width = shares.length / Math.max(1, heads);
    List<List<Integer>> orders = new ArrayList<>();
    for (int h = 0; h < heads; h++) {
      if (sharedWithKeys) {
        block.qk[h] = block.v[h];
      }
      orders.add(order(Arrays.copyOfRange(shares, h * width, (h + 1) * width)));
    }
    if (aligned) {
      double[] sorted = shares.clone();
      Arrays.sort(sorted);
      for (int[] cut : cuts(UnitKind.V, width)) {
        List<BudgetSolver.Step> together = new ArrayList<>();
        for (int h = 0; h < heads; h++) {
          List<Integer> units = orders.get(h).subList(cut[0], cut[1]);
          together.add(step("", List.of(block.v[h]), units));
        }
        steps.add(new Due(sorted[heads * cut[1] - 1], all("v." + l, together)));
      }
      return;
    }
    for (int h = 0; h < heads; h++) {
      for (int[] cut : cuts(UnitKind.V, width)) {
        List<Integer> units = orders.get(h).subList(cut[0], cut[1]);
        double share = shares[h * width + units.get(units.size() - 1)];
        steps.add(new Due(share, step("v." + l + "." + h, List.of(block.v[h]), units)));
      }
    }
  }

  /** Whole heads may fall, when all their channels have; one stays. */
  public void heads(int l, double[] shares) {
    Block block = blocks.get(l);
    int heads = block.heads.length;
    int width = shares.length / Math.max(1, heads);
    double[] last = new double[heads];
    for (int h = 0; h < heads; h++) {
      last[h] = Arrays.stream(shares, h * width, (h + 1) * width).max().orElse(0);
    }
    List<Integer> order = order(last);
    for (int i = 0; i + 1 < heads; i++) {
      int head = order.get(i);
      steps.add(new Due(last[head], step("head." + l, List.of(block.heads), List.of(head))));
    }
  }

  /**
   * Tokens may fall, block by block, prefix tokens and one patch excepted. Nesting ties gates to
   * one another, so steps are due by rank: of n tokens in all blocks together, kept ones included,
   * floor(p n) have fallen at share p.
   *
   * @param shares (T) per block, not growing from block to block, so that what is left is nested
   * @param pace how fast the shares are reached; 0 for never
   */
  public void tokens(List<double[]> shares, double pace) {
    if (pace == 0) {
      return;
    }
    dropsTokens = true;
    record Token(int block, int position, double share) {}
    List<Token> tokens = new ArrayList<>();
    int best = bestPatch(shares.get(shares.size() - 1));
    for (int l = 0; l < base.depth(); l++) {
      for (int t = base.prefixTokens(); t < base.tokens(); t++) {
        if (t != best) {
          tokens.add(new Token(l, t, shares.get(l)[t]));
        }
      }
    }
    tokens.sort(
        Comparator.comparingDouble(Token::share)
            .thenComparing(Comparator.comparingInt(Token::block).reversed())
            .thenComparingInt(Token::position));
    double all = (double) base.depth() * base.tokens();
    for (int i = 0; i < tokens.size(); i++) {
      boolean[] live = blocks.get(tokens.get(i).block()).tokens;
      List<Integer> position = List.of(tokens.get(i).position());
      steps.add(new Due((i + 1) / all / pace, step("tokens", List.of(live), position)));
    }
  }

  private int bestPatch(double[] shares) {
    int best = base.prefixTokens();
    for (int t = best; t < base.tokens(); t++) {
      best = shares[t] > shares[best] ? t : best;
    }
    return best;
  }

  /** From, to: places in the order of falling between one allowed width and the next. */
  private List<int[]> cuts(UnitKind kind, int width) {
    List<Integer> widths = Alignment.widths(kind, width, alignment);
    List<int[]> cuts = new ArrayList<>();
    for (int w = widths.size() - 1; w > 0; w--) {
      cuts.add(new int[] {width - widths.get(w), width - widths.get(w - 1)});
    }
    return cuts;
  }

  private static List<Integer> order(double[] shares) {
    return IntStream.range(0, shares.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer unit) -> shares[unit]))
        .toList();
  }

  private static BudgetSolver.Step step(Object pool, List<boolean[]> live, List<Integer> units) {
    return new BudgetSolver.Step(
        pool,
        () -> live.forEach(of -> units.forEach(unit -> of[unit] = false)),
        () -> live.forEach(of -> units.forEach(unit -> of[unit] = true)));
  }

  private static BudgetSolver.Step all(Object pool, List<BudgetSolver.Step> steps) {
    return new BudgetSolver.Step(
        pool,
        () -> steps.forEach(step -> step.take().run()),
        () -> steps.forEach(step -> step.putBack().run()));
  }

  // ---- what is left ----

  /** Lets gates fall until the budget is met; see {@link BudgetSolver}. */
  public PruningPlan plan(TargetKind kind, double keepRatio) {
    new BudgetSolver(kind, keepRatio).solve(Cost.of(base), this::cost, ordered());
    return plan();
  }

  /** Lets every step fall that is due when a share of all gates has. */
  public PruningPlan planAt(double share) {
    steps.stream()
        .sorted(Comparator.comparingDouble(Due::share))
        .filter(due -> due.share() <= share + 1e-9)
        .forEach(due -> due.step().take().run());
    return plan();
  }

  private List<BudgetSolver.Step> ordered() {
    return steps.stream().sorted(Comparator.comparingDouble(Due::share)).map(Due::step).toList();
  }

  private Cost cost() {
    List<BlockShape> shapes = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      Block block = blocks.get(l);
      shapes.add(
          new BlockShape(
              shape.attention(),
              block.heads.length == 0 ? shape.heads() : count(block.heads),
              block.heads.length == 0 ? shape.qkWidth() : widest(block.heads, block.qk),
              block.heads.length == 0 ? shape.vWidth() : widest(block.heads, block.v),
              count(block.mlp),
              new Wiring(first(block.attentionReads), List.of(), first(block.mlpReads), List.of()),
              tokens(shape, block)));
    }
    return Cost.of(base.withWidths(base.embedding(), shapes));
  }

  private PruningPlan plan() {
    List<BlockPlan> plans = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      Block block = blocks.get(l);
      List<HeadPlan> heads = new ArrayList<>();
      for (int h : indices(block.heads)) {
        heads.add(new HeadPlan(h, indices(block.qk[h]), indices(block.v[h])));
      }
      Wiring wiring =
          new Wiring(some(block.attentionReads), List.of(), some(block.mlpReads), List.of());
      TokenRule tokens = tokens(shape, block);
      plans.add(
          new BlockPlan(true, shape.attention(), heads, indices(block.mlp))
              .with(wiring)
              .with(tokens.equals(shape.tokens()) ? TokenRule.ALL : tokens));
    }
    return new PruningPlan(base, IntStream.range(0, base.embedding()).boxed().toList(), plans);
  }

  private TokenRule tokens(BlockShape shape, Block block) {
    return dropsTokens && count(block.tokens) < block.tokens.length
        ? new TokenRule.Enter(indices(block.tokens))
        : shape.tokens();
  }

  private static int widest(boolean[] heads, boolean[][] channels) {
    return indices(heads).stream().mapToInt(h -> count(channels[h])).max().orElse(0);
  }

  private static int count(boolean[] live) {
    int count = 0;
    for (boolean unit : live) {
      count += unit ? 1 : 0;
    }
    return count;
  }

  private static List<Integer> indices(boolean[] live) {
    return IntStream.range(0, live.length).filter(i -> live[i]).boxed().toList();
  }

  private static List<Integer> some(boolean[] live) {
    return count(live) == live.length ? List.of() : indices(live);
  }

  /** As many channels as live, for the cost, which does not ask which. */
  private static List<Integer> first(boolean[] live) {
    int count = count(live);
    return count == live.length ? List.of() : IntStream.range(0, count).boxed().toList();
  }
}
