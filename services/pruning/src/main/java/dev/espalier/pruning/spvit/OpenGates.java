package dev.espalier.pruning.spvit;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.Alignment;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.method.BudgetSolver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * From the gates' probabilities to a plan. At one half the gates say what stays; to meet a budget
 * the same threshold rises or falls for all of them at once: a gate is open while p is above it,
 * and an operator falls back to the next simpler one when one of its gates closes. Mutable.
 */
final class OpenGates {

  private static final List<AttentionKind> SIMPLER =
      List.of(AttentionKind.MSA, AttentionKind.CONV3, AttentionKind.CONV1, AttentionKind.SKIP);

  private final VitArchitecture base;
  private final int[] operator;
  private final List<boolean[]> hidden = new ArrayList<>();
  private final List<Due> steps = new ArrayList<>();

  private record Due(double probability, BudgetSolver.Step step) {}

  /** All gates open. */
  OpenGates(VitArchitecture base, Findings findings, int alignment) {
    this.base = base;
    this.operator = new int[base.depth()];
    int surest = surest(findings);
    for (int l = 0; l < base.depth(); l++) {
      boolean[] open = new boolean[base.blocks().get(l).mlpHidden()];
      Arrays.fill(open, true);
      hidden.add(open);
      if (l != surest) {
        operators(l, findings.operator()[l]);
      }
      hidden(l, findings.hidden()[l], alignment);
    }
    steps.sort(Comparator.comparingDouble(Due::probability));
  }

  /**
   * Refuses bases that the method cannot search.
   *
   * @throws IllegalArgumentException naming the block
   */
  static void requirePlain(VitArchitecture base) {
    for (int l = 0; l < base.depth(); l++) {
      BlockShape block = base.blocks().get(l);
      if (block.attention() != AttentionKind.MSA) {
        throw new IllegalArgumentException(
            "spvit needs a base of self-attention but block %d has %s"
                .formatted(l, block.attention().text()));
      }
      if (!block.wiring().isAll()) {
        throw new IllegalArgumentException(
            "block %d must read and write all residual channels but has a wiring".formatted(l));
      }
      if (!block.tokens().equals(TokenRule.ALL)) {
        throw new IllegalArgumentException(
            "spvit needs the whole grid of patches but block %d has %s"
                .formatted(l, block.tokens()));
      }
    }
  }

  /**
   * The block whose attention stays whatever the budget, the later of two alike: without any the
   * class token would see no patch.
   */
  private static int surest(Findings findings) {
    int surest = 0;
    for (int l = 1; l < findings.operator().length; l++) {
      surest = attention(findings, l) >= attention(findings, surest) ? l : surest;
    }
    return surest;
  }

  private static double attention(Findings findings, int l) {
    float[] p = findings.operator()[l];
    return Math.min(p[0], Math.min(p[1], p[2]));
  }

  /** An operator stands while all its gates do: 3x3 needs the first two, attention all three. */
  private void operators(int l, float[] p) {
    double conv1 = p[0];
    double conv3 = Math.min(conv1, p[1]);
    double msa = Math.min(conv3, p[2]);
    for (double due : new double[] {msa, conv3, conv1}) {
      steps.add(
          new Due(
              due,
              new BudgetSolver.Step("operator." + l, () -> operator[l]++, () -> operator[l]--)));
    }
  }

  /** Units go from one allowed width to the next, when the last of the step does. */
  private void hidden(int l, float[] p, int alignment) {
    boolean[] open = hidden.get(l);
    List<Integer> order = new ArrayList<>(IntStream.range(0, p.length).boxed().toList());
    order.sort(
        Comparator.comparingDouble((Integer unit) -> p[unit]).thenComparingInt(unit -> unit));
    List<Integer> widths = Alignment.widths(UnitKind.MLP, p.length, alignment);
    int out = 0;
    for (int w = widths.size() - 1; w >= 0; w--) {
      int until = p.length - widths.get(w);
      if (until > out) {
        List<Integer> units = order.subList(out, until);
        steps.add(
            new Due(
                p[order.get(until - 1)],
                new BudgetSolver.Step(
                    "hidden." + l,
                    () -> units.forEach(unit -> open[unit] = false),
                    () -> units.forEach(unit -> open[unit] = true))));
        out = until;
      }
    }
  }

  /**
   * Closes gates until the budget is met.
   *
   * @throws IllegalArgumentException where it cannot be, naming the least keep ratio
   */
  PruningPlan plan(TargetKind kind, double keepRatio) {
    new BudgetSolver(kind, keepRatio)
        .solve(Cost.of(base), () -> Cost.of(shape()), steps.stream().map(Due::step).toList());
    return plan();
  }

  private PruningPlan plan() {
    PruningPlan whole = PruningPlan.identity(base);
    List<BlockPlan> blocks = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      boolean[] open = hidden.get(l);
      List<Integer> mlp = IntStream.range(0, open.length).filter(j -> open[j]).boxed().toList();
      AttentionKind kind = SIMPLER.get(operator[l]);
      blocks.add(
          new BlockPlan(
              true,
              kind,
              kind == AttentionKind.MSA ? whole.blocks().get(l).heads() : List.of(),
              mlp));
    }
    return new PruningPlan(base, whole.embedding(), blocks);
  }

  private VitArchitecture shape() {
    List<BlockShape> blocks = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      int width = 0;
      for (boolean unit : hidden.get(l)) {
        width += unit ? 1 : 0;
      }
      blocks.add(
          new BlockShape(
              SIMPLER.get(operator[l]), shape.heads(), shape.qkWidth(), shape.vWidth(), width));
    }
    return base.withWidths(base.embedding(), blocks);
  }
}
