package dev.espalier.architecture.method;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AlignmentTest {

  @Test
  void allowsMultiplesFromTheFloorUpAndTheWholeWidth() {
    assertThat(Alignment.widths(UnitKind.MLP, 36, 8)).containsExactly(16, 24, 32, 36);
    assertThat(Alignment.widths(UnitKind.QK, 24, 8)).containsExactly(8, 16, 24);
    assertThat(Alignment.widths(UnitKind.QK, 4, 8)).containsExactly(4);
    assertThat(Alignment.widths(UnitKind.HEAD, 3, 8)).containsExactly(1, 2, 3);
    assertThat(Alignment.widths(UnitKind.MLP, 64, 32)).containsExactly(32, 64);
  }

  @Test
  void findsTheNearestAllowedWidthAndGoesUpOnATie() {
    assertThat(Alignment.nearest(UnitKind.QK, 24, 8, 12)).isEqualTo(16);
    Random random = new Random(5);
    for (int i = 0; i < 2000; i++) {
      UnitKind kind = UnitKind.values()[random.nextInt(5)];
      int base = 1 + random.nextInt(100);
      int alignment = 1 + random.nextInt(20);
      double wanted = random.nextInt(2) == 0 ? random.nextInt(130) : random.nextDouble() * 130;
      List<Integer> widths = Alignment.widths(kind, base, alignment);
      int nearest =
          widths.stream()
              .min(
                  Comparator.comparingDouble((Integer width) -> Math.abs(width - wanted))
                      .thenComparing(Comparator.reverseOrder()))
              .orElseThrow();
      assertThat(Alignment.nearest(kind, base, alignment, wanted))
          .as("%s of %d to %d near %s", kind, base, alignment, wanted)
          .isEqualTo(nearest);
    }
  }
}
