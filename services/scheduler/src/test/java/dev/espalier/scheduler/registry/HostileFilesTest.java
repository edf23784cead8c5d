package dev.espalier.scheduler.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
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
    refusesDataset(zip(other), "above 0");
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
