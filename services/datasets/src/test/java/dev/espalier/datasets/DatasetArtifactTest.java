package dev.espalier.datasets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetArtifactTest {

  @TempDir Path directory;

  @Test
  void givesBackWhatWasWritten() throws IOException {
    for (int channels : new int[] {1, 3}) {
      ImageDataset dataset = TinyImages.dataset(channels);

      assertThat(DatasetArtifact.read(DatasetArtifact.write(dataset))).isEqualTo(dataset);
    }
  }

  @Test
  void writesEqualDatasetsAsEqualBytes() throws IOException {
    byte[] first = DatasetArtifact.write(TinyImages.dataset(1));
    Path file = directory.resolve("again.zip");
    DatasetArtifact.write(TinyImages.dataset(1), file);

    assertThat(Files.readAllBytes(file)).isEqualTo(first);
  }

  @Test
  void readsTheDeflatedFormToo() throws IOException {
    Path file = directory.resolve("deflated.zip");
    DatasetArtifact.write(TinyImages.dataset(1), file, true);

    assertThat(DatasetArtifact.read(file)).isEqualTo(TinyImages.dataset(1));
  }

  @Test
  void refusesEveryTruncation() {
    byte[] whole = DatasetArtifact.write(TinyImages.dataset(1));
    // The central directory after the last entry is not read, so only what lies before it counts.
    int end = indexOf(whole, new byte[] {'P', 'K', 1, 2});
    for (int length = 0; length < end; length += 7) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> DatasetArtifact.read(cut))
          .as("%d of %d bytes", length, whole.length)
          .isInstanceOfAny(InvalidDatasetException.class, IOException.class);
    }
  }

  @Test
  void refusesEntriesThatItDoesNotKnowOrHasSeen() throws IOException {
    Map<String, byte[]> entries = entries();
    entries.put("../../etc/passwd", new byte[] {1});
    assertInvalid(zip(entries), "../../etc/passwd");

    Map<String, byte[]> missing = entries();
    missing.remove("test-labels.idx");
    assertInvalid(zip(missing), "six IDX files");

    Map<String, byte[]> nameless = entries();
    nameless.remove("dataset.json");
    assertInvalid(zip(nameless), "dataset.json");
  }

  @Test
  void refusesADescriptionThatIsNotCanonical() throws IOException {
    String good = new String(entries().get("dataset.json"), StandardCharsets.UTF_8);
    for (String bad :
        List.of(
            "",
            "{}",
            "[".repeat(20_000),
            good + " ",
            good.replace("espalier-dataset-1", "espalier-dataset-9"),
            good.replace("\"channels\":1", "\"channels\":2"),
            good.replace("\"channels\":1", "\"channels\":-1"),
            good.replace("\"classes\":3", "\"classes\":1"),
            good.replace("\"classes\":3", "\"classes\":999999999"),
            good.replace("\"imageSize\":4", "\"imageSize\":5"),
            good.replaceAll("\"std\":\\[.*?]", "\"std\":[0.0]"),
            good.replaceAll("\"std\":\\[.*?]", "\"std\":[1e999]"),
            good.replaceAll("\"mean\":\\[.*?]", "\"mean\":[--1]"),
            good.replaceAll("\"mean\":\\[.*?]", "\"mean\":[0.5,0.5]"))) {
      Map<String, byte[]> entries = entries();
      entries.put("dataset.json", bad.getBytes(StandardCharsets.UTF_8));
      assertInvalid(zip(entries), "dataset");
    }
  }

  @Test
  void refusesLabelsOutsideTheClasses() throws IOException {
    Map<String, byte[]> entries = entries();
    byte[] labels = entries.get("train-labels.idx");
    labels[labels.length - 1] = (byte) 200;
    assertInvalid(zip(entries), "labels in 0..2");
  }

  @Test
  void refusesIdxHeadersThatLie() throws IOException {
    assertInvalidIdx(idx(0x00000d03, 2, 2, 2), "0d03");
    assertInvalidIdx(idx(0x00000805, 1, 1, 1, 1, 1), "1 to 4 axes");
    assertInvalidIdx(idx(0x00000800), "1 to 4 axes");
    assertInvalidIdx(idx(0x00000803, 2, -2, 2), "axis 1");
    assertInvalidIdx(idx(0x00000803, 0, 2, 2), "axis 0");
    assertInvalidIdx(idx(0x00000803, 1 << 29, 1 << 29, 1 << 29), "at most");
    assertInvalidIdx(idx(0x00000803, 1000, 1000, 1000), "1000000000 elements but found 0");
    assertInvalidIdx(new byte[] {0, 0}, "ends inside");
    byte[] tooLong = Arrays.copyOf(idx(0x00000801, 1), 8 + 1 + 1);
    assertInvalidIdx(tooLong, "more bytes follow");
    byte[] brokenGzip = Arrays.copyOf(new byte[] {0x1f, (byte) 0x8b, 9, 9}, 64);
    assertInvalidIdx(brokenGzip, "damaged");
  }

  @Test
  void packsAStratifiedSubsetTheSameWayEachTime() throws IOException {
    writeSource(directory, 600, 300);
    PackDataset.Request request = new PackDataset.Request(directory, "small", 90, 30, 60, 1);

    ImageDataset dataset = PackDataset.pack(request);

    assertThat(perClass(dataset.train())).containsOnly(30);
    assertThat(perClass(dataset.validation())).containsOnly(10);
    assertThat(perClass(dataset.test())).containsOnly(20);
    assertThat(PackDataset.pack(request)).isEqualTo(dataset);
    assertThat(PackDataset.pack(new PackDataset.Request(directory, "small", 90, 30, 60, 2)))
        .isNotEqualTo(dataset);
    // Each source image carries its own number, so that an image in two splits would show.
    assertThat(numbers(dataset.train())).doesNotContainAnyElementsOf(numbers(dataset.validation()));
  }

  @Test
  void takesEverythingWhereNoCountsAreGiven() throws IOException {
    writeSource(directory, 600, 300);

    ImageDataset dataset = PackDataset.pack(new PackDataset.Request(directory, "full", 0, 0, 0, 1));

    assertThat(dataset.train().size()).isEqualTo(550);
    assertThat(dataset.validation().size()).isEqualTo(50);
    assertThat(dataset.test().size()).isEqualTo(300);
  }

  @Test
  void refusesMoreImagesThanThereAre() throws IOException {
    writeSource(directory, 60, 30);

    assertThatThrownBy(() -> PackDataset.pack(new PackDataset.Request(directory, "x", 60, 1, 0, 1)))
        .isInstanceOf(InvalidDatasetException.class)
        .hasMessageContaining("at most 60");
  }

  private static List<Integer> numbers(Split split) {
    return java.util.stream.IntStream.range(0, split.size())
        .map(i -> (split.images()[i * 16] & 0xff) << 8 | split.images()[i * 16 + 1] & 0xff)
        .boxed()
        .toList();
  }

  private static List<Integer> perClass(Split split) {
    Integer[] counts = {0, 0, 0};
    for (int label : split.labels()) {
      counts[label]++;
    }
    return List.of(counts);
  }

  private static void writeSource(Path directory, int train, int test) throws IOException {
    writeSource(directory, "train", train);
    writeSource(directory, "t10k", test);
  }

  private static void writeSource(Path directory, String part, int size) throws IOException {
    byte[] images = new byte[size * 16];
    byte[] labels = new byte[size];
    for (int i = 0; i < size; i++) {
      images[i * 16] = (byte) (i >> 8);
      images[i * 16 + 1] = (byte) i;
      labels[i] = (byte) (i % 3);
    }
    Path labelFile = directory.resolve(part + "-labels-idx1-ubyte");
    try (OutputStream out = Files.newOutputStream(labelFile)) {
      new IdxFile(new int[] {size}, labels).write(out);
    }
    Path imageFile = directory.resolve(part + "-images-idx3-ubyte.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(imageFile))) {
      new IdxFile(new int[] {size, 4, 4}, images).write(out);
    }
  }

  private void assertInvalidIdx(byte[] bytes, String message) throws IOException {
    Path file = directory.resolve("hostile");
    Files.write(file, bytes);
    assertThatThrownBy(() -> IdxFile.read(file))
        .isInstanceOf(InvalidDatasetException.class)
        .hasMessageContaining(message);
  }

  private static void assertInvalid(byte[] file, String message) {
    assertThatThrownBy(() -> DatasetArtifact.read(file))
        .isInstanceOf(InvalidDatasetException.class)
        .hasMessageContaining(message);
  }

  private static byte[] idx(int magic, int... shape) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(magic);
    for (int length : shape) {
      out.writeInt(length);
    }
    return bytes.toByteArray();
  }

  private static Map<String, byte[]> entries() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    byte[] file = DatasetArtifact.write(TinyImages.dataset(1));
    try (var zip = new java.util.zip.ZipInputStream(new java.io.ByteArrayInputStream(file))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        entries.put(entry.getName(), zip.readAllBytes());
      }
    }
    return entries;
  }

  private static byte[] zip(Map<String, byte[]> entries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
        zip.closeEntry();
      }
    }
    return bytes.toByteArray();
  }

  private static int indexOf(byte[] bytes, byte[] wanted) {
    for (int i = 0; i <= bytes.length - wanted.length; i++) {
      if (Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
        return i;
      }
    }
    throw new AssertionError("not found");
  }
}
