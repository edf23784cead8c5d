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
    for (int width = aligned(floor, step); width < baseWidth; width += step) {
      widths.add(width);
    }
    widths.add(baseWidth);
    return widths;
  }

  /** The allowed width nearest to {@code wanted}; half a step goes up. */
  public static int nearest(UnitKind kind, int baseWidth, int alignment, double wanted) {
    int step = step(kind, alignment);
    int smallest = aligned(Floors.of(kind, baseWidth), step);
    int largest = (baseWidth - 1) / step * step;
    if (smallest > largest) {
      return baseWidth;
    }
    double multiple = Math.floor(wanted / step + 0.5) * step;
    int nearest = (int) Math.max(smallest, Math.min(largest, multiple));
    return Math.abs(baseWidth - wanted) <= Math.abs(nearest - wanted) ? baseWidth : nearest;
  }

  private static int step(UnitKind kind, int alignment) {
    return kind == UnitKind.HEAD ? 1 : alignment;
  }

  private static int aligned(int floor, int step) {
    return (floor + step - 1) / step * step;
  }
}
