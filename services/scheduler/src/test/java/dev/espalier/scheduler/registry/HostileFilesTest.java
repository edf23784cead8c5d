package dev.espalier.scheduler.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

class HostileFilesTest {

  @Test
  void summarisesADataset() throws Exception {
    assertThat(DatasetFile.summary(stream(zip(entries()))))
        .contains("\"images\":{\"train\":3,\"validation\":2,\"test\":1}")
        .contains("\"classes\":3");
  }

  @Test
  void refusesDatasetsThatAreNone() throws IOException {
    refusesDataset(new byte[0], "ZIP");
    refusesDataset(new byte[100], "ZIP");
    Map<String, byte[]> missing = entries();
    missing.remove("test-labels.idx");
    refusesDataset(zip(missing), "ZIP");
    Map<String, byte[]> escaping = entries();
    escaping.put("../../etc/passwd", new byte[1]);
    refusesDataset(zip(escaping), "each once");
    Map<String, byte[]> other = entries();
    other.put("dataset.json", "{\"classes\":0}".getBytes(StandardCharsets.UTF_8));
    refusesDataset(zip(other), "channels in 1..3");
    Map<String, byte[]> text = entries();
    text.put("dataset.json", "no".getBytes(StandardCharsets.UTF_8));
    refusesDataset(zip(text), "JSON");
    Map<String, byte[]> labels = entries();
    labels.put("train-labels.idx", idx(2));
    refusesDataset(zip(labels), "as many labels");
    Map<String, byte[]> header = entries();
    header.put("train-images.idx", new byte[] {0, 0, 8});
    refusesDataset(zip(header), "IDX");
  }

  /** What a worker would refuse later is refused here, by its header alone. */
  @Test
  void refusesWhatIsTooLargeForAWorkerAndSaysHowLargeItIs() throws IOException {
    Map<String, byte[]> large = entries();
    large.put("train-images.idx", header(1 << 20, 32, 33));
    refusesDataset(zip(large), "at most 1073741824 bytes in train-images.idx", "1107296256 bytes");
    large.put("train-images.idx", header(Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE));
    refusesDataset(zip(large), "at most 1073741824 bytes", "9903520300447984150353281023 bytes");
    for (String wrong : new String[] {"imageSize\":1025", "classes\":65537", "channels\":4"}) {
      Map<String, byte[]> other = entries();
      String field = wrong.substring(0, wrong.indexOf('"'));
      String good = new String(other.get("dataset.json"), StandardCharsets.UTF_8);
      other.put(
          "dataset.json",
          good.replaceAll(field + "\":\\d+", wrong).getBytes(StandardCharsets.UTF_8));
      refusesDataset(zip(other), field + " in ", wrong.replaceAll("\\D", ""));
    }
  }

  @Test
  void refusesImagesThatAreNotThoseOfTheirHeaderOrDescription() throws IOException {
    Map<String, byte[]> other = entries();
    other.put("train-images.idx", idx(3, 2, 1));
    refusesDataset(zip(other), "of 1 x 2 x 2", "[3, 2, 1]");
    other.put("train-images.idx", header(3, 2, 2));
    refusesDataset(zip(other), "12 bytes in train-images.idx", "0");
    other.put("train-images.idx", Arrays.copyOf(idx(3, 2, 2), 100_000));
    refusesDataset(zip(other), "12 bytes in train-images.idx", "more");
  }

  private static byte[] header(int... shape) {
    ByteBuffer idx = ByteBuffer.allocate(4 + 4 * shape.length);
    idx.put(new byte[] {0, 0, 8, (byte) shape.length});
    for (int length : shape) {
      idx.putInt(length);
    }
    return idx.array();
  }

  private static void refusesDataset(byte[] file, String expected, String found) {
    assertThatThrownBy(() -> DatasetFile.summary(stream(file)))
        .isInstanceOfSatisfying(
            InvalidArtifact.class,
            e -> {
              assertThat(e.expected()).contains(expected);
              assertThat(e.found()).contains(found);
            });
  }

  private static void refusesDataset(byte[] file, String expected) {
    assertThatThrownBy(() -> DatasetFile.summary(stream(file)))
        .isInstanceOfSatisfying(
            InvalidArtifact.class, e -> assertThat(e.expected()).contains(expected));
  }

  private static Map<String, byte[]> entries() {
    Map<String, byte[]> entries = new TreeMap<>();
    entries.put(
        "dataset.json",
        "{\"channels\":1,\"classes\":3,\"imageSize\":2}".getBytes(StandardCharsets.UTF_8));
    int images = 3;
    for (String split : new String[] {"train", "validation", "test"}) {
      entries.put(split + "-images.idx", idx(images, 2, 2));
      entries.put(split + "-labels.idx", idx(images));
      images--;
    }
    return entries;
  }

  private static byte[] idx(int... shape) {
    int size = 1;
    for (int length : shape) {
      size *= length;
    }
    ByteBuffer idx = ByteBuffer.allocate(4 + 4 * shape.length + size);
    idx.put(new byte[] {0, 0, 8, (byte) shape.length});
    for (int length : shape) {
      idx.putInt(length);
    }
    return idx.array();
  }

  private static byte[] zip(Map<String, byte[]> entries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (var entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
        zip.closeEntry();
      }
    }
    return bytes.toByteArray();
  }

  private static ByteArrayInputStream stream(byte[] bytes) {
    return new ByteArrayInputStream(bytes);
  }
}
