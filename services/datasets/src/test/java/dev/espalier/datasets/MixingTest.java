package dev.espalier.datasets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MixingTest {

  private static final int SIDE = 8;
  private static final int PLANE = SIDE * SIDE;
  private static final int[] LABELS = {0, 1, 2, 2};

  /** Each image filled with its own number plus one. */
  private static float[] images() {
    float[] pixels = new float[4 * PLANE];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = 1 + i / PLANE;
    }
    return pixels;
  }

  private static float[] mix(Mixing mixing, float[] pixels, int batch) {
    return mixing.mix(pixels, LABELS, 3, 1, SIDE, 5, 2, batch);
  }

  @Test
  void mixupBlendsImagesAndLabelsInTheSameShare() {
    for (int batch = 0; batch < 20; batch++) {
      float[] pixels = images();
      float[] shares = mix(new Mixing(0.8, 0, 0), pixels, batch);
      float share = shares[0]; // class 0 is in the first image alone
      assertThat(shares[2]).isCloseTo(1 - share, within(1e-6f));
      assertThat(pixels[0]).isCloseTo(share * 1 + (1 - share) * 4, within(1e-5f));
      assertThat(pixels[3 * PLANE]).isCloseTo(share * 4 + (1 - share) * 1, within(1e-5f));
      rowsSumToOne(shares);
    }
  }

  @Test
  void cutmixLabelsByTheAreaThatIsLeft() {
    Set<Float> seen = new HashSet<>();
    for (int batch = 0; batch < 50; batch++) {
      float[] pixels = images();
      float[] shares = mix(new Mixing(0, 1, 0), pixels, batch);
      long own = IntStream.range(0, PLANE).filter(i -> pixels[i] == 1).count();
      long others = IntStream.range(0, PLANE).filter(i -> pixels[i] == 4).count();
      assertThat(own + others).isEqualTo(PLANE);
      assertThat(shares[0]).isCloseTo((float) own / PLANE, within(1e-6f));
      rowsSumToOne(shares);
      seen.add(shares[0]);
    }
    assertThat(seen).as("boxes of many sizes").hasSizeGreaterThan(15);
  }

  private static void rowsSumToOne(float[] shares) {
    for (int row = 0; row < LABELS.length; row++) {
      assertThat(shares[row * 3] + shares[row * 3 + 1] + shares[row * 3 + 2])
          .isCloseTo(1, within(1e-6f));
    }
  }

  @Test
  void aBatchIsMixedTheSameWhereverARunIsResumed() {
    Mixing both = new Mixing(0.8, 1, 0);
    int cut = 0;
    for (int batch = 0; batch < 40; batch++) {
      float[] once = images();
      float[] again = images();
      assertThat(mix(both, once, batch)).isEqualTo(mix(both, again, batch));
      assertThat(once).isEqualTo(again);
      float[] other = images();
      mix(both, other, batch + 1);
      Set<Float> values = new HashSet<>();
      for (int i = 0; i < PLANE; i++) {
        values.add(once[i]);
      }
      cut += values.stream().allMatch(value -> value == 1 || value == 4) ? 1 : 0;
    }
    assertThat(cut).as("about half of the batches are cut").isBetween(10, 30);
  }

  @Test
  void erasesBoxesOfAboutThatManyImages() {
    int[] indices = IntStream.range(0, 1000).toArray();
    float[] pixels = new float[1000 * PLANE];
    Arrays.fill(pixels, 1);
    new Mixing(0, 0, 0.25).erase(pixels, indices, 1, SIDE, 3, 1);
    int erased = 0;
    for (int b = 0; b < 1000; b++) {
      int zeros = 0;
      for (int i = 0; i < PLANE; i++) {
        zeros += pixels[b * PLANE + i] == 0 ? 1 : 0;
      }
      erased += zeros > 0 ? 1 : 0;
      assertThat(zeros).isLessThanOrEqualTo(PLANE / 2);
    }
    assertThat(erased).isBetween(200, 300);
    // An image's box does not depend on the batch around it.
    float[] alone = new float[PLANE];
    for (int b = 0; b < 20; b++) {
      Arrays.fill(alone, 1);
      new Mixing(0, 0, 0.25).erase(alone, new int[] {b}, 1, SIDE, 3, 1);
      assertThat(alone).isEqualTo(Arrays.copyOfRange(pixels, b * PLANE, (b + 1) * PLANE));
    }
  }

  @Test
  void sharesComeFromABetaDistribution() {
    for (double alpha : new double[] {0.2, 0.8, 1, 3}) {
      RandomNumbers random = new RandomNumbers(1, (long) (alpha * 10));
      double sum = 0;
      double squares = 0;
      int draws = 20_000;
      for (int i = 0; i < draws; i++) {
        double value = random.nextBeta(alpha);
        assertThat(value).isBetween(0.0, 1.0);
        sum += value;
        squares += value * value;
      }
      double mean = sum / draws;
      assertThat(mean).isCloseTo(0.5, within(0.01));
      assertThat(squares / draws - mean * mean)
          .as("variance of Beta(%s, %s)", alpha, alpha)
          .isCloseTo(1 / (4 * (2 * alpha + 1)), within(0.005));
    }
  }

  @Test
  void namesWhatIsOutOfRange() {
    assertThatThrownBy(() -> new Mixing(-1, 0, 0))
        .hasMessage("mixup must be in [0, 10] but is -1.0");
    assertThatThrownBy(() -> new Mixing(0, Double.NaN, 0)).hasMessageContaining("cutmix");
    assertThatThrownBy(() -> new Mixing(0, 0, 1.5)).hasMessageContaining("erasing");
  }
}
