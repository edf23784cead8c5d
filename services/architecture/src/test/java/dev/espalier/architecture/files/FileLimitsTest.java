package dev.espalier.architecture.files;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FileLimitsTest {

  /** Labels have two bytes at most, and images of less than 4 x 4 pixels are none to prune on. */
  @Test
  void threeFullPartsWithTheirLabelsFitAnUpload() {
    long labels = FileLimits.PART_BYTES / (4 * 4) * 2;
    long descriptionAndHeaders = 1 << 20;

    assertThat(3 * (FileLimits.PART_BYTES + labels) + descriptionAndHeaders)
        .isLessThan(FileLimits.UPLOAD_BYTES);
    assertThat(FileLimits.PART_BYTES).isLessThan(Integer.MAX_VALUE);
  }
}
