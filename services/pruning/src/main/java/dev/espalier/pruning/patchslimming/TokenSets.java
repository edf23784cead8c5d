package dev.espalier.pruning.patchslimming;

import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * The paper's masks m_1 to m_L: which tokens each block lets out ({@code methods/patch-slimming.md}
 * §2). Each holds the next one, and all hold the prefix tokens.
 *
 * @param leaving positions by block, ascending; of T tokens
 */
record TokenSets(VitArchitecture base, List<List<Integer>> leaving) {

  TokenSets {
    leaving = List.copyOf(leaving);
  }

  /** Every block lets out all tokens but the last, of which only prefix tokens are read. */
  static TokenSets all(VitArchitecture base) {
    List<List<Integer>> leaving = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      leaving.add(range(l + 1 < base.depth() ? base.tokens() : base.prefixTokens()));
    }
    return new TokenSets(base, leaving);
  }

  /** Sets of those sizes, by position. */
  static TokenSets first(VitArchitecture base, int[] patches) {
    List<List<Integer>> leaving = new ArrayList<>();
    for (int count : patches) {
      leaving.add(range(base.prefixTokens() + count));
    }
    return new TokenSets(base, leaving);
  }

  private static List<Integer> range(int end) {
    return IntStream.range(0, end).boxed().toList();
  }

  /**
   * Sets of those sizes from scores, from the last block to the first: those of the block behind,
   * then the best others. The last block, whose patches nobody reads, goes by position.
   *
   * @param patches by block, not growing
   * @param scores (T) by block but the last, larger is kept
   */
  static TokenSets of(VitArchitecture base, int[] patches, List<double[]> scores) {
    int last = base.depth() - 1;
    TokenSets sets = all(base).with(last, range(base.prefixTokens() + patches[last]));
    for (int l = last - 1; l >= 0; l--) {
      sets = sets.with(l, sets.grown(l, scores.get(l), patches[l]));
    }
    return sets;
  }

  /**
   * What block l lets out with that many patches: all that the next block does, then others by
   * descending score, equal ones by position.
   */
  List<Integer> grown(int l, double[] scores, int patches) {
    TreeSet<Integer> set = new TreeSet<>(leaving.get(l + 1));
    order(l, scores).stream()
        .limit(Math.max(0, base.prefixTokens() + patches - set.size()))
        .forEach(set::add);
    return List.copyOf(set);
  }

  /** Tokens that the block behind block l does not let out, best first. */
  List<Integer> order(int l, double[] scores) {
    return IntStream.range(0, base.tokens())
        .boxed()
        .filter(token -> !leaving.get(l + 1).contains(token))
        .sorted(Comparator.comparingDouble((Integer token) -> scores[token]).reversed())
        .toList();
  }

  /** The same with another set of block l. */
  TokenSets with(int l, List<Integer> tokens) {
    List<List<Integer>> other = new ArrayList<>(leaving);
    other.set(l, List.copyOf(tokens));
    return new TokenSets(base, other);
  }

  /** Patches that a block lets out. */
  int patches(int l) {
    return leaving.get(l).size() - base.prefixTokens();
  }

  /** Token rule of block l. */
  TokenRule rule(int l) {
    int in = l == 0 ? base.tokens() : leaving.get(l - 1).size();
    return leaving.get(l).size() == in ? TokenRule.ALL : new TokenRule.Leave(leaving.get(l));
  }

  /** The base with these rules. */
  VitArchitecture shape() {
    List<BlockShape> shapes = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      shapes.add(base.blocks().get(l).with(rule(l)));
    }
    return base.withWidths(base.embedding(), shapes);
  }

  /** Blocks l and l + 1 alone, the first of them on all tokens. */
  VitArchitecture pair(int l) {
    TokenSets before = this;
    for (int earlier = 0; earlier < l; earlier++) {
      before = before.with(earlier, range(base.tokens()));
    }
    return base.withWidths(
        base.embedding(),
        List.of(
            base.blocks().get(l).with(before.rule(l)),
            base.blocks().get(l + 1).with(before.rule(l + 1))));
  }

  /** All weights, and these rules. */
  PruningPlan plan() {
    PruningPlan whole = PruningPlan.identity(base);
    List<BlockPlan> plans = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      plans.add(whole.blocks().get(l).with(rule(l)));
    }
    return new PruningPlan(base, whole.embedding(), plans);
  }
}
