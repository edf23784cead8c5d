package dev.espalier.datasets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AugmentationTest {

  private final ImageDataset dataset = TinyImages.dataset(3);

  @Test
  void normalisesByChannelAndLeavesPixelsInPlace() {
    float[] batch = dataset.batch(dataset.train(), new int[] {5});

    for (int i = 0; i < dataset.pixels(); i++) {
      int pixel = dataset.train().images()[5 * dataset.pixels() + i] & 0xff;
      assertThat(batch[i]).isCloseTo((float) ((pixel / 255.0 - 0.5) / 0.5), within(1e-6f));
    }
    assertThat(dataset.labels(dataset.train(), new int[] {5, 0})).containsExactly(2, 0);
  }

  @Test
  void changesAnImageTheSameWayInWhateverBatchItComes() {
    float[] alone = crop(new int[] {7}, 1, 3);
    float[] among = crop(new int[] {2, 7, 4}, 1, 3);

    assertThat(Arrays.copyOfRange(among, dataset.pixels(), 2 * dataset.pixels())).isEqualTo(alone);
    assertThat(crop(new int[] {7}, 1, 3)).isEqualTo(alone);
  }

  @Test
  void drawsAllCropsAndFlipsOverTheEpochs() {
    Set<String> seen = new TreeSet<>();
    for (int epoch = 0; epoch < 2000; epoch++) {
      seen.add(Augmentation.CROP_FLIP.draw(new RandomNumbers(1, epoch)).toString());
    }

    assertThat(seen).hasSize(5 * 5 * 2);
  }

  @Test
  void shiftsInBlackAndMirrors() {
    // One white pixel in the middle of a 3x3 image: wherever the crop lies, it is there once.
    byte[] images = new byte[9];
    images[4] = (byte) 255;
    Split split = new Split(images, new int[] {0});
    ImageDataset single =
        new ImageDataset(
            "dot", 1, 3, 2, java.util.List.of(0.0), java.util.List.of(1.0), split, split, split);
    Set<Integer> places = new TreeSet<>();
    for (int epoch = 0; epoch < 200; epoch++) {
      float[] image = single.batch(split, new int[] {0}, Augmentation.CROP_FLIP, 9, epoch);
      IntStream.range(0, 9).filter(i -> image[i] == 1f).forEach(places::add);
      float sum = 0;
      for (float value : image) {
        sum += value;
      }
      assertThat(sum).isIn(0f, 1f);
    }
    assertThat(places).hasSize(9);
  }

  @Test
  void visitsEachImageOnceAnEpochInAnOrderOfItsOwn() {
    int[] first = EpochOrder.of(100, 1, 0);
    int[] second = EpochOrder.of(100, 1, 1);

    assertThat(first).isNotEqualTo(second).isNotEqualTo(EpochOrder.of(100, 2, 0));
    assertThat(EpochOrder.of(100, 1, 0)).isEqualTo(first);
    assertThat(Arrays.stream(first).sorted())
        .containsExactlyElementsOf(IntStream.range(0, 100).boxed().toList());
  }

  @Test
  void namesWhatItExpectsOfAnUnknownAugmentation() {
    assertThat(Augmentation.of("crop-flip")).isEqualTo(Augmentation.CROP_FLIP);
    assertThatThrownBy(() -> Augmentation.of("cutmix"))
        .hasMessage(
            "expected augmentation one of none, crop-flip, rand-augment but found \"cutmix\"");
  }

  private float[] crop(int[] indices, long seed, int epoch) {
    return dataset.batch(dataset.train(), indices, Augmentation.CROP_FLIP, seed, epoch);
  }
}
