package dev.espalier.architecture.vit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * How many tokens go through each block of an architecture, and which are gathered where, worked
 * out from the {@link TokenRule}s.
 *
 * @param blocks one entry per block
 * @param left tokens that reach the last norm
 */
public record TokenFlow(List<Block> blocks, int left) {

  public TokenFlow {
    blocks = List.copyOf(blocks);
  }

  /**
   * What a block does with tokens.
   *
   * @param arriving tokens that come to the block, before its rule
   * @param in keys and values
   * @param out queries, which go on
   * @param enter places among the arriving tokens that enter; empty for all
   * @param leave places among the entered tokens that are queries; empty for all
   */
  public record Block(int arriving, int in, int out, List<Integer> enter, List<Integer> leave) {}

  /**
   * Works out the flow.
   *
   * @throws IllegalArgumentException naming the block whose rule asks for tokens that are not
   *     there, or whose convolution would not find the whole grid
   */
  static TokenFlow of(int tokens, int prefixTokens, List<BlockShape> shapes) {
    List<Block> blocks = new ArrayList<>();
    // Null once a predictor has chosen: positions then differ from image to image.
    List<Integer> present = IntStream.range(0, tokens).boxed().toList();
    int count = tokens;
    for (int l = 0; l < shapes.size(); l++) {
      BlockShape shape = shapes.get(l);
      int arriving = count;
      List<Integer> enter = List.of();
      List<Integer> leave = List.of();
      int in = count;
      TokenRule rule = shape.tokens();
      if (rule instanceof TokenRule.Enter some) {
        enter = places(l, present, some.positions());
        present = some.positions();
        in = present.size();
        count = in;
      } else if (rule instanceof TokenRule.Leave some) {
        leave = places(l, present, some.positions());
        present = some.positions();
        count = present.size();
      } else if (rule instanceof TokenRule.Select select) {
        if (select.patches() > count - prefixTokens) {
          throw new IllegalArgumentException(
              "block %d selects %d patches but only %d come in"
                  .formatted(l, select.patches(), count - prefixTokens));
        }
        present = null;
        in = prefixTokens + select.patches();
        count = in;
      }
      if (shape.attention().isConvolution() && (in < tokens || count < tokens)) {
        throw new IllegalArgumentException(
            "block %d convolves over the grid and needs all %d tokens but has %d"
                .formatted(l, tokens, Math.min(in, count)));
      }
      blocks.add(new Block(arriving, in, count, enter, leave));
    }
    return new TokenFlow(blocks, count);
  }

  private static List<Integer> places(int l, List<Integer> present, List<Integer> positions) {
    if (present == null) {
      throw new IllegalArgumentException(
          "block %d names token positions behind a block that selects by image".formatted(l));
    }
    Map<Integer, Integer> places = new HashMap<>();
    for (int i = 0; i < present.size(); i++) {
      places.put(present.get(i), i);
    }
    for (int position : positions) {
      if (!places.containsKey(position)) {
        throw new IllegalArgumentException(
            "block %d asks for token %d, which does not come in".formatted(l, position));
      }
    }
    return positions.size() == present.size()
        ? List.of()
        : positions.stream().map(places::get).toList();
  }
}
