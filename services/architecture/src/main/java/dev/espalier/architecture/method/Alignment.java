package dev.espalier.architecture.method;

import java.util.ArrayList;
import java.util.List;

/**
 * Which widths a cut may leave: multiples of the alignment from the floor up, and the base's own
 * width. A base narrower than the alignment keeps its width.
 */
public final class Alignment {

  private Alignment() {}

  /** Allowed widths, ascending; never empty. */
  public static List<Integer> widths(UnitKind kind, int baseWidth, int alignment) {
    int step = step(kind, alignment);
    int floor = Floors.of(kind, baseWidth);
    List<Integer> widths = new ArrayList<>();
    for (int width = ((floor + step - 1) / step) * step; width < baseWidth; width += step) {
      widths.add(width);
    }
    widths.add(baseWidth);
    return widths;
  }

  /** The allowed width nearest to {@code wanted}; half a step goes up. */
  public static int nearest(UnitKind kind, int baseWidth, int alignment, double wanted) {
    int best = 0;
    for (int width : widths(kind, baseWidth, alignment)) {
      if (best == 0 || Math.abs(width - wanted) <= Math.abs(best - wanted)) {
        best = width;
      }
    }
    return best;
  }

  private static int step(UnitKind kind, int alignment) {
    return kind == UnitKind.HEAD ? 1 : alignment;
  }
}
