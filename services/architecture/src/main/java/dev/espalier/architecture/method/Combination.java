package dev.espalier.architecture.method;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which method may follow another on the model that the first one pruned and recovered ({@code
 * methods/README.md} §3): what they remove must be of other kinds.
 */
public final class Combination {

  private Combination() {}

  /**
   * Why {@code second} cannot follow {@code first}; empty where it can.
   *
   * <p>Tokens go last, since widths change what a token is worth. Depth alone goes first: a block
   * is a coarse step, and the method behind it meets the target.
   */
  public static Optional<String> refusal(MethodDescriptor first, MethodDescriptor second) {
    for (MethodDescriptor control : List.of(first, second)) {
      if (!control.cuts() || control.outputs().contains(SearchOutput.FRESH_WEIGHTS)) {
        return Optional.of(
            "methods that prune what the base has learnt: %s is a control that stands alone"
                .formatted(control.name()));
      }
    }
    Set<UnitKind> both = EnumSet.noneOf(UnitKind.class);
    both.addAll(first.prunes());
    both.retainAll(second.prunes());
    if (!both.isEmpty()) {
      return Optional.of(
          "a method that prunes other units than %s: both prune %s, they are alternatives"
              .formatted(first.name(), both.iterator().next().text()));
    }
    boolean tokens = second.prunes().equals(Set.of(UnitKind.TOKEN));
    if (tokens && first.prunes().contains(UnitKind.ATTENTION)) {
      return Optional.of(
          "a method that drops no tokens: a convolution of %s needs the whole grid of patches"
              .formatted(first.name()));
    }
    if (first.prunes().contains(UnitKind.TOKEN)) {
      return Optional.of(
          "the other order: widths go first, then tokens, but %s drops tokens"
              .formatted(first.name()));
    }
    if (second.search() == SearchKind.CHAINED) {
      return Optional.of(
          "a method with one search: %s is a chain from the whole base".formatted(second.name()));
    }
    if (!tokens && !first.prunes().equals(Set.of(UnitKind.BLOCK))) {
      return Optional.of(
          "a method that drops tokens alone, or blocks alone before it: %s behind %s is neither"
              .formatted(second.name(), first.name()));
    }
    return Optional.empty();
  }
}
