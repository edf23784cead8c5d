package dev.espalier.architecture.vit;

import java.util.List;

/**
 * Which tokens a block works on. Positions are those of the embedded tokens, prefix tokens first;
 * they keep their numbers when other tokens go. Position 0, the class token, always stays.
 */
public sealed interface TokenRule {

  /** All that come in. */
  TokenRule ALL = new All();

  /** Nothing is dropped here. */
  record All() implements TokenRule {}

  /**
   * Only these enter the block: they are queries, keys and values alike (ViT-Slim).
   *
   * @param positions ascending, among those that the block before lets out
   */
  record Enter(List<Integer> positions) implements TokenRule {
    public Enter {
      positions = checked(positions);
    }
  }

  /**
   * All that come in are keys and values; only these are queries and go on (Patch Slimming).
   *
   * @param positions ascending, among those that come in
   */
  record Leave(List<Integer> positions) implements TokenRule {
    public Leave {
      positions = checked(positions);
    }
  }

  /**
   * A predictor in front of the block picks the patches that enter, another set for each image
   * (DynamicViT).
   *
   * @param patches how many patch tokens it keeps, at least 1; prefix tokens always stay
   */
  record Select(int patches) implements TokenRule {
    public Select {
      if (patches < 1) {
        throw new IllegalArgumentException("patches must be at least 1 but is " + patches);
      }
    }
  }

  private static List<Integer> checked(List<Integer> positions) {
    List<Integer> copy = List.copyOf(positions);
    if (copy.isEmpty() || copy.get(0) != 0) {
      throw new IllegalArgumentException(
          "token positions must begin with the class token, 0, but are " + copy);
    }
    for (int i = 1; i < copy.size(); i++) {
      if (copy.get(i) <= copy.get(i - 1)) {
        throw new IllegalArgumentException(
            "token positions must be strictly ascending but are " + copy);
      }
    }
    return copy;
  }
}
