package dev.espalier.architecture.redistribution;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;

/** The shape both policies give a model: two ends and a middle ({@code methods/nvit.md} §5). */
final class LessMoreLess {

  private LessMoreLess() {}

  /** Whether block {@code l} of {@code depth} is one of the floor(depth / 4) at either end. */
  static boolean isEnd(int l, int depth) {
    int ends = depth / 4;
    return l < ends || l >= depth - ends;
  }

  /** Median of a width over the end blocks or over the middle ones; NaN where there are none. */
  static double median(List<BlockWidths> blocks, boolean ends, ToIntFunction<BlockWidths> width) {
    double[] values =
        java.util.stream.IntStream.range(0, blocks.size())
            .filter(l -> isEnd(l, blocks.size()) == ends)
            .mapToDouble(l -> width.applyAsInt(blocks.get(l)))
            .toArray();
    Arrays.sort(values);
    int n = values.length;
    return n == 0 ? Double.NaN : (values[(n - 1) / 2] + values[n / 2]) / 2;
  }

  /** The nearest multiple of {@code chunk}, half up, at least one chunk. */
  static int round(double value, int chunk) {
    return Math.max(chunk, (int) Math.floor(value / chunk + 0.5) * chunk);
  }
}
