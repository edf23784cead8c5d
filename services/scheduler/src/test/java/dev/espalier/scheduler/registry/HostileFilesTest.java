package dev.espalier.scheduler.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.vit.VitArchitecture;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

class HostileFilesTest {

  private static final VitArchitecture VIT = VitArchitecture.uniform(8, 4, 1, 3, 16, 1, 2, 32);
  private static final String METADATA =
      "\"__metadata__\":{\"espalier.architecture\":" + Json.canonical(VIT.toJson()) + "}";

  // ---- models ----

  @Test
  void readsTheArchitectureOfAModel() throws Exception {
    byte[] file =
        model(
            "{" + METADATA + ",\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);

    assertThat(VitArchitecture.fromJson(ModelFile.architecture(stream(file), file.length)))
        .isEqualTo(VIT);
  }

  @Test
  void refusesModelsThatLieAboutLengths() {
    refusesModel(new byte[0], "a safetensors file");
    refusesModel(new byte[7], "a safetensors file");
    refusesModel(lengths(-1), "header");
    refusesModel(lengths(Long.MAX_VALUE), "header");
    refusesModel(lengths(1 << 20), "header");
    refusesModel(tensor("F32", "[2]", "[0,8]", 4), "data_offsets");
    refusesModel(tensor("F32", "[2]", "[0,4]", 4), "data_offsets");
    refusesModel(tensor("F32", "[2]", "[-8,0]", 8), "data_offsets");
    refusesModel(tensor("F32", "[-2]", "[0,8]", 8), "axes");
    refusesModel(tensor("F32", "[2147483647,2147483647,2147483647]", "[0,8]", 8), "fits its file");
    refusesModel(tensor("PICKLE", "[2]", "[0,8]", 8), "dtype");
  }

  @Test
  void refusesModelsWithoutAnArchitecture() {
    refusesModel(model("{}", 0), "espalier.architecture");
    refusesModel(model("[]", 0), "JSON object");
    refusesModel(model("{\"a\"", 0), "JSON");
    refusesModel(model("[".repeat(100_000), 0), "JSON");
    refusesModel(
        model("{\"__metadata__\":{\"espalier.architecture\":\"{}\"}}", 0), "an architecture");
    refusesModel(
        model(
            "{\"__metadata__\":{\"espalier.architecture\":%s}}"
                .formatted(
                    Json.canonical(VIT.toJson().replace("\"patchSize\":4", "\"patchSize\":0"))),
            0),
        "an architecture");
  }

  @Test
  void survivesDamageToAnyByteOfAModel() throws Exception {
    byte[] sound =
        model(
            "{" + METADATA + ",\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
    Random random = new Random(11);
    for (int i = 0; i < 3000; i++) {
      byte[] damaged = sound.clone();
      for (int k = 0; k <= random.nextInt(4); k++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      try {
        VitArchitecture.fromJson(ModelFile.architecture(stream(damaged), damaged.length));
      } catch (InvalidArtifact e) {
        assertThat(e.expected()).isNotBlank();
      }
    }
  }

  // ---- datasets ----

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

  private static void refusesModel(byte[] file, String expected) {
    assertThatThrownBy(() -> ModelFile.architecture(stream(file), file.length))
        .isInstanceOfSatisfying(
            InvalidArtifact.class, e -> assertThat(e.expected()).contains(expected));
  }

  private static void refusesDataset(byte[] file, String expected) {
    assertThatThrownBy(() -> DatasetFile.summary(stream(file)))
        .isInstanceOfSatisfying(
            InvalidArtifact.class, e -> assertThat(e.expected()).contains(expected));
  }

  private static byte[] tensor(String type, String shape, String offsets, int data) {
    String tensor =
        "\"a\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}".formatted(type, shape, offsets);
    return model("{" + METADATA + "," + tensor + "}", data);
  }

  private static byte[] model(String header, int data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + data)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  private static byte[] lengths(long said) {
    return ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(said).array();
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
