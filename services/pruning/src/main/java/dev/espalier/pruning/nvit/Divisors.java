package dev.espalier.pruning.nvit;

import dev.espalier.architecture.method.UnitKind;

/**
 * What a group's sum is divided by before it is squared.
 *
 * <p>The authors' code has 12, 12, 2, 2 and 1 for a model of 12 blocks: the sum over an embedding
 * channel spans all blocks, that over a head six tensors, doubled by a match of names.
 */
public record Divisors(double embedding, double head, double qk, double v, double mlp) {

  /** The authors' numbers for any depth: an embedding channel's sum is divided by the blocks. */
  public static Divisors ofDepth(int depth) {
    return new Divisors(depth, 12, 2, 2, 1);
  }

  double of(UnitKind kind) {
    return switch (kind) {
      case EMBEDDING -> embedding;
      case HEAD -> head;
      case QK -> qk;
      case V -> v;
      case MLP -> mlp;
      default -> throw new IllegalArgumentException("NViT does not score " + kind.text());
    };
  }
}
