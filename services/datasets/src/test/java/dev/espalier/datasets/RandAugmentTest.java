package dev.espalier.datasets;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RandAugmentTest {

  private static byte[] noise(int channels, int side) {
    byte[] bytes = new byte[channels * side * side];
    new Random(3).nextBytes(bytes);
    return bytes;
  }

  private static int[] values(Pixels image, int size) {
    return IntStream.range(0, size).map(image::at).toArray();
  }

  @Test
  void everyOperationKeepsBytesAndRepeats() {
    for (int channels : new int[] {1, 3}) {
      byte[] bytes = noise(channels, 11);
      for (int o = 0; o < RandAugment.ALL.size(); o++) {
        for (double level : new double[] {0, 0.5, 0.9, 1}) {
          Pixels once = new Pixels(channels, 11, bytes, 0);
          Pixels again = new Pixels(channels, 11, bytes, 0);
          RandAugment.ALL.get(o).apply(once, level, new RandomNumbers(o));
          RandAugment.ALL.get(o).apply(again, level, new RandomNumbers(o));
          int[] found = values(once, bytes.length);
          assertThat(found)
              .as("operation %d at %s", o, level)
              .isEqualTo(values(again, bytes.length));
          assertThat(Arrays.stream(found)).allMatch(value -> value >= 0 && value <= 255);
        }
      }
    }
  }

  @Test
  void movesAndTurnsNothingAtLevelZero() {
    byte[] bytes = noise(3, 9);
    int[] before = values(new Pixels(3, 9, bytes, 0), bytes.length);
    for (int o : new int[] {3, 7, 8, 9, 10, 11, 12, 13, 14}) {
      Pixels image = new Pixels(3, 9, bytes, 0);
      RandAugment.ALL.get(o).apply(image, 0, new RandomNumbers(1));
      assertThat(values(image, bytes.length)).as("operation %d", o).isEqualTo(before);
    }
  }

  @Test
  void knownOperationsDoWhatTheirNamesSay() {
    byte[] ramp = new byte[16];
    for (int i = 0; i < 16; i++) {
      ramp[i] = (byte) (64 + 4 * i);
    }
    Pixels image = new Pixels(1, 4, ramp, 0);
    image.stretch();
    assertThat(image.at(0)).isZero();
    assertThat(image.at(15)).isEqualTo(255);
    Pixels turned = new Pixels(1, 4, ramp, 0);
    turned.affine(Pixels.rotation(180));
    assertThat(turned.at(0)).isEqualTo(64 + 4 * 15);
    assertThat(turned.at(15)).isEqualTo(64);
    Pixels moved = new Pixels(1, 4, ramp, 0);
    moved.affine(1, 0, 1, 0, 1, 0); // from one pixel to the right
    assertThat(moved.at(0)).isEqualTo(64 + 4);
    assertThat(moved.at(3)).as("from outside").isEqualTo(128);
    Pixels inverted = new Pixels(1, 4, ramp, 0);
    RandAugment.ALL.get(2).apply(inverted, 1, new RandomNumbers(1));
    assertThat(inverted.at(0)).isEqualTo(255 - 64);
  }

  @Test
  void anImagesChangeDependsOnSeedEpochAndIndexAlone() {
    byte[] bytes = noise(3 * 20, 8);
    Split split = new Split(bytes, new int[20]);
    List<Double> half = List.of(0.5, 0.5, 0.5);
    ImageDataset dataset = new ImageDataset("noise", 3, 8, 2, half, half, split, split, split);
    float[] all =
        dataset.batch(split, IntStream.range(0, 20).toArray(), Augmentation.RAND_AUGMENT, 4, 1);
    int changed = 0;
    float[] cropped =
        dataset.batch(split, IntStream.range(0, 20).toArray(), Augmentation.CROP_FLIP, 4, 1);
    for (int i = 0; i < 20; i++) {
      float[] one = dataset.batch(split, new int[] {i}, Augmentation.RAND_AUGMENT, 4, 1);
      float[] inAll = Arrays.copyOfRange(all, i * 192, (i + 1) * 192);
      assertThat(inAll).isEqualTo(one);
      changed += Arrays.equals(inAll, Arrays.copyOfRange(cropped, i * 192, (i + 1) * 192)) ? 0 : 1;
    }
    assertThat(changed).as("one in four is left alone").isBetween(8, 20);
    assertThat(dataset.batch(split, new int[] {0}, Augmentation.RAND_AUGMENT, 4, 2))
        .isNotEqualTo(Arrays.copyOfRange(all, 0, 192));
  }
}
