package dev.espalier.datasets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RecentDatasetsTest {

  /** Pixels and labels of the tiny images in one channel. */
  private static final long TINY = 24 * (16 + 4);

  private final List<Boolean> found = new ArrayList<>();
  private final List<String> parsed = new ArrayList<>();

  private ImageDataset ask(RecentDatasets recent, String name) throws IOException {
    return recent.get(
        name,
        () -> {
          parsed.add(name);
          return new ByteArrayInputStream(DatasetArtifact.write(TinyImages.dataset(1)));
        });
  }

  @Test
  void parsesADatasetOnceForTwoStages() throws IOException {
    RecentDatasets recent = new RecentDatasets(TINY, found::add);

    ImageDataset first = ask(recent, "a");
    assertThat(first).isEqualTo(TinyImages.dataset(1));
    assertThat(ask(recent, "a")).isSameAs(first);

    assertThat(parsed).containsExactly("a");
    assertThat(found).containsExactly(false, true);
  }

  @Test
  void keepsNoMoreThanItsBytesAndForgetsTheOldestFirst() throws IOException {
    RecentDatasets recent = new RecentDatasets(2 * TINY, found::add);
    for (String name : List.of("a", "b", "a", "c", "a", "b")) {
      ask(recent, name);
    }
    assertThat(parsed).containsExactly("a", "b", "c", "b");
  }

  @Test
  void aDatasetLongerThanTheBoundIsNotKeptAndPushesNothingOut() throws IOException {
    RecentDatasets none = new RecentDatasets(TINY - 1, found::add);
    ask(none, "a");
    ask(none, "a");
    assertThat(parsed).containsExactly("a", "a");
  }

  @Test
  void readsTheFileToItsEndWhereAStoreChecksTheDigest() {
    RecentDatasets recent = new RecentDatasets(TINY, found::add);
    byte[] file = DatasetArtifact.write(TinyImages.dataset(1));
    RecentDatasets.Source damaged =
        () ->
            new FilterInputStream(new ByteArrayInputStream(file)) {
              @Override
              public int read(byte[] bytes, int offset, int length) throws IOException {
                int count = super.read(bytes, offset, length);
                if (count < 0) {
                  throw new IllegalStateException("the digest is another");
                }
                return count;
              }
            };

    for (int stage = 0; stage < 2; stage++) {
      assertThatThrownBy(() -> recent.get("a", damaged)).hasMessage("the digest is another");
    }
    assertThat(found).as("a dataset that failed its check is not kept").containsOnly(false);
  }
}
