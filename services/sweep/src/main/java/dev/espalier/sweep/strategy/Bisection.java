package dev.espalier.sweep.strategy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Searches of the smallest keep ratio that is within the loss, one per method, policy and seed. A
 * search looks at the middle of what is open, and takes for granted that whoever keeps more loses
 * less; a trial without a result counts as beyond the loss.
 *
 * @param candidates keep ratios, ascending
 * @param maxLoss of top-1 accuracy against the base
 * @param seeds repeats; the lines are in the order method, policy, seed
 * @param lines one per search; empty before the first trials are planned
 * @param chunks the trials of each chunk, as places in the full plan
 * @param trials where each planned trial belongs
 */
public record Bisection(
    List<Double> candidates,
    double maxLoss,
    int seeds,
    List<Line> lines,
    List<List<Integer>> chunks,
    Map<String, Probe> trials) {

  /**
   * One search; indices are of {@link #candidates}.
   *
   * @param below largest known to be beyond the loss; -1: none
   * @param within smallest known to be within; the number of candidates: none
   */
  record Line(int below, int within) {
    boolean done() {
      return within - below == 1;
    }

    int middle() {
      return (below + within) / 2;
    }
  }

  /** A trial of a line at a candidate. */
  record Probe(int line, int candidate) {}

  /**
   * What a trial showed and what follows.
   *
   * @param nextKeepRatio 0 when the line is done
   * @param smallestKeepRatio 0 when none is within so far
   */
  public record Step(
      String trialId,
      int line,
      double keepRatio,
      double loss,
      boolean within,
      double nextKeepRatio,
      double smallestKeepRatio) {}

  static Bisection over(List<Double> candidates, double maxLoss, int seeds) {
    return new Bisection(candidates, maxLoss, seeds, List.of(), List.of(), Map.of());
  }

  /** Most trials that one line may take: {@code ceil(log2(candidates + 1))}. */
  public static int mostSteps(int candidates) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(candidates);
  }

  /** Trials of a line on average, every outcome being as likely as another. */
  public static double expectedSteps(int candidates) {
    return (double) steps(new Line(-1, candidates)) / (candidates + 1);
  }

  private static long steps(Line line) {
    if (line.done()) {
      return 0;
    }
    int middle = line.middle();
    return line.within()
        - line.below()
        + steps(new Line(middle, line.within()))
        + steps(new Line(line.below(), middle));
  }

  /** The first trial of each line, as places in the full plan of {@code total} trials. */
  List<Integer> first(int total) {
    int count = total / candidates.size();
    int middle = new Line(-1, candidates.size()).middle();
    List<Integer> places = new ArrayList<>();
    for (int line = 0; line < count; line++) {
      places.add(place(line, middle));
    }
    return places;
  }

  /** Place in the full plan, whose order is method, policy, keep ratio, seed. */
  private int place(int line, int candidate) {
    return (line / seeds * candidates.size() + candidate) * seeds + line % seeds;
  }

  /** With a chunk of trials planned; the first one says how many lines there are. */
  Bisection planned(int chunk, List<String> trialIds) {
    Map<String, Probe> more = new HashMap<>(trials);
    if (chunk == 0) {
      Line whole = new Line(-1, candidates.size());
      for (int line = 0; line < trialIds.size(); line++) {
        more.put(trialIds.get(line), new Probe(line, whole.middle()));
      }
      return new Bisection(
          candidates,
          maxLoss,
          seeds,
          Collections.nCopies(trialIds.size(), whole),
          List.of(first(trialIds.size() * candidates.size())),
          Map.copyOf(more));
    }
    int place = chunks.get(chunk).get(0);
    int line = place / seeds / candidates.size() * seeds + place % seeds;
    more.put(trialIds.get(0), new Probe(line, place / seeds % candidates.size()));
    return new Bisection(candidates, maxLoss, seeds, lines, chunks, Map.copyOf(more));
  }

  /** What the end of a trial shows; empty for one that is not of the search. */
  Optional<Step> step(String trialId, double top1Accuracy, double baseTop1Accuracy) {
    Probe probe = trials.get(trialId);
    if (probe == null) {
      return Optional.empty();
    }
    double loss = baseTop1Accuracy - top1Accuracy;
    boolean within = loss <= maxLoss; // false for NaN
    Line after = narrowed(probe, within);
    return Optional.of(
        new Step(
            trialId,
            probe.line(),
            candidates.get(probe.candidate()),
            loss,
            within,
            after.done() ? 0 : candidates.get(after.middle()),
            after.within() == candidates.size() ? 0 : candidates.get(after.within())));
  }

  private Line narrowed(Probe probe, boolean within) {
    Line line = lines.get(probe.line());
    return within
        ? new Line(line.below(), probe.candidate())
        : new Line(probe.candidate(), line.within());
  }

  /** With a step taken; one that names a next ratio makes one more chunk. */
  Bisection stepped(Step step) {
    Probe probe = trials.get(step.trialId());
    if (probe == null) {
      return this;
    }
    List<Line> narrowed = new ArrayList<>(lines);
    Line after = narrowed(probe, step.within());
    narrowed.set(probe.line(), after);
    List<List<Integer>> more = new ArrayList<>(chunks);
    if (!after.done()) {
      more.add(List.of(place(probe.line(), after.middle())));
    }
    return new Bisection(
        candidates, maxLoss, seeds, List.copyOf(narrowed), List.copyOf(more), trials);
  }

  /** Whether every line is done. */
  boolean done() {
    return !lines.isEmpty() && lines.stream().allMatch(Line::done);
  }
}
