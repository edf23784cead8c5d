package dev.espalier.artifacts.pretrained;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.architecture.weights.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PositionGridTest {

  /** Expected by Pillow 9.4, whose bicubic filter PyTorch's antialiased one was made after. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "3|5|-1.53053 -1.10428 -0.35613 0.26086 0.58491 -0.30803 -0.40406 -0.45149 0.11063 0.48955"
            + " 1.52594 0.63433 -0.625 -0.14646 0.31604 1.49088 0.5444 -0.79851 -0.32573 0.14253"
            + " 1.25708 0.36546 -0.89387 -0.41532 0.04717",
        "7|4|-0.69772 0.49039 -0.16392 0.88101 -0.02744 0.08076 0.06088 0.29474 0.64538 -0.34676"
            + " 0.4475 -0.32982 0.5023 0.05077 -0.0133 -0.12461",
        "2|3|-1.4227 -0.92763 -0.43257 -0.43257 0.0625 0.55757 0.55757 1.05263 1.5477"
      })
  void resamplesAsImagesAre(int from, int to, String expected) {
    Tensor positions = positions(from);

    Tensor resampled = PositionGrid.resample(positions, 1, from, to);

    assertThat(resampled.shape()).containsExactly(1, 1 + to * to, 2);
    assertThat(resampled.values()[0]).isEqualTo(77);
    assertThat(resampled.values()[1]).isEqualTo(-77);
    double[] values = Arrays.stream(expected.split(" ")).mapToDouble(Double::parseDouble).toArray();
    for (int i = 0; i < values.length; i++) {
      assertThat((double) resampled.values()[2 + 2 * i]).isCloseTo(values[i], within(1e-4));
      assertThat((double) resampled.values()[3 + 2 * i]).isCloseTo(-values[i], within(1e-4));
    }
  }

  @Test
  void leavesAGridOfTheSameSizeAsItIs() {
    Tensor positions = positions(4);

    assertThat(PositionGrid.resample(positions, 1, 4, 4).values())
        .containsExactly(positions.values(), within(0f));
  }

  /** One prefix token and a grid with two channels, the second the first's negative. */
  private static Tensor positions(int side) {
    float[] values = new float[(1 + side * side) * 2];
    values[0] = 77;
    values[1] = -77;
    for (int i = 0; i < side * side; i++) {
      values[2 + 2 * i] = (i * 7919) % 23 / 8f - 1.25f;
      values[3 + 2 * i] = -values[2 + 2 * i];
    }
    return new Tensor(new int[] {1, 1 + side * side, 2}, values);
  }
}
