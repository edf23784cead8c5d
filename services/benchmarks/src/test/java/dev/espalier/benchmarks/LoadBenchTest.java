package dev.espalier.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.datasets.Augmentation;
import dev.espalier.datasets.ImageDataset;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoadBenchTest {

  @TempDir Path folder;

  @Test
  void loadsThePicturesThatItMakes() throws Exception {
    LoadBench.write(folder, 24, 50, 40);

    ImageDataset dataset = LoadBench.pack(folder, 16);

    assertThat(dataset.classes()).isEqualTo(4);
    assertThat(dataset.train().size() + dataset.validation().size() + dataset.test().size())
        .isEqualTo(24);
    assertThat(LoadBench.batches(dataset, Augmentation.RAND_AUGMENT, 8, 0.03)).isPositive();
  }
}
