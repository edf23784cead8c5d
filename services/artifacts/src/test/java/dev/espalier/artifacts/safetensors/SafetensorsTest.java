package dev.espalier.artifacts.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {

  private static final Tensor A = new Tensor(new int[] {2, 2}, new float[] {1, -2.5f, 0, 1e-40f});
  private static final Tensor B = new Tensor(new int[] {3}, new float[] {7, Float.MIN_VALUE, -0f});
  private static final Tensor SCALAR = new Tensor(new int[0], new float[] {3});
  private static final Tensor EMPTY = new Tensor(new int[] {0, 4}, new float[0]);

  @Test
  void givesBackWhatWasWrittenBitByBit() {
    Safetensors file =
        new Safetensors(
            Map.of("format", "pt", "quoted", "a \"b\" ü"),
            Map.of("a", A, "b", B, "scalar", SCALAR, "empty", EMPTY));

    assertThat(Safetensors.fromBytes(file.toBytes())).isEqualTo(file);
  }

  @Test
  void laysTheFileOutAsTheFormatSays() {
    byte[] bytes = new Safetensors(Map.of("k", "v"), Map.of("b", B, "a", A)).toBytes();
    String header =
        "{\"__metadata__\":{\"k\":\"v\"},"
            + "\"a\":{\"data_offsets\":[0,16],\"dtype\":\"F32\",\"shape\":[2,2]},"
            + "\"b\":{\"data_offsets\":[16,28],\"dtype\":\"F32\",\"shape\":[3]}}";
    int padded = (header.length() + 7) / 8 * 8;

    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(buffer.getLong(0)).isEqualTo(padded);
    assertThat(new String(bytes, 8, padded, StandardCharsets.UTF_8).stripTrailing())
        .isEqualTo(header);
    assertThat(buffer.getFloat(8 + padded + 4)).isEqualTo(-2.5f);
    assertThat(buffer.getFloat(8 + padded + 16)).isEqualTo(7f);
    assertThat(bytes).hasSize(8 + padded + 28);
  }

  @Test
  void givesEqualBytesWhateverTheOrderOfTheMap() {
    Map<String, Tensor> forth = new LinkedHashMap<>();
    forth.put("a", A);
    forth.put("b", B);
    Map<String, Tensor> back = new LinkedHashMap<>();
    back.put("b", B);
    back.put("a", A);

    assertThat(new Safetensors(Map.of(), forth).toBytes())
        .isEqualTo(new Safetensors(Map.of(), back).toBytes());
  }

  @ParameterizedTest
  @CsvSource({
    "F16, 3c00, 1",
    "F16, c100, -2.5",
    "F16, 0001, 5.9604645e-8",
    "F16, 7bff, 65504",
    "F16, fc00, -Infinity",
    "F16, 7e00, NaN",
    "F16, 8000, -0.0",
    "BF16, 3f80, 1",
    "BF16, c020, -2.5",
    "BF16, 0001, 9.18355e-41",
    "BF16, ff80, -Infinity"
  })
  void widensHalfPrecision(String type, String bits, float value) {
    short half = (short) Integer.parseInt(bits, 16);
    byte[] data = {(byte) half, (byte) (half >> 8)};

    Tensor tensor =
        Safetensors.fromBytes(file(tensor("x", type, "[1]", "[0,2]"), data)).tensor("x");

    assertThat(tensor.values()).containsExactly(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // begins
        "",
        " ",
        "[]",
        "null",
        "{",
        "{}x",
        "{\"x\":1}",
        // a key twice
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
            + "\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
        // overlap, gap, beyond the end, bytes left over
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},"
            + "\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
            + "\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[0,20]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}",
        "{}",
        // shapes that lie
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[\"4\"],\"data_offsets\":[0,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2147483648],\"data_offsets\":[0,8589934592]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[2147483647,2147483647,2147483647],"
            + "\"data_offsets\":[0,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[4,1,1,1,1,1,1,1,1],\"data_offsets\":[0,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[16,0]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16,32]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,1e300]}}",
        "{\"x\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[4]}}",
        "{\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16],\"more\":1}}",
        "{\"\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
        // metadata that is not text
        "{\"__metadata__\":{\"k\":1},"
            + "\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
        "{\"__metadata__\":[],\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}"
      })
  void refusesAHeaderThatLies(String header) {
    byte[] bytes = file(header, new byte[16]);

    assertThatThrownBy(() -> Safetensors.fromBytes(bytes))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageMatching("(?s).{10,400}");
  }

  @Test
  void readsTheFileThatThoseAreLiesAbout() {
    byte[] bytes = file(tensor("x", "F32", "[2, 2]", "[0, 16]") + "   ", new byte[16]);

    assertThat(Safetensors.fromBytes(bytes).tensor("x").shape()).containsExactly(2, 2);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 0, 1, 100, 1L << 24 | 1, Integer.MAX_VALUE, 1L << 32, Long.MIN_VALUE})
  void believesNoHeaderLength(long length) {
    byte[] bytes = file("{}", new byte[0]);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);

    assertThatThrownBy(() -> Safetensors.fromBytes(bytes))
        .isInstanceOf(MalformedFileException.class);
  }

  @Test
  void refusesNestingWithoutEnd() {
    byte[] bytes = file("{\"x\":" + "[".repeat(200_000), new byte[0]);

    assertThatThrownBy(() -> Safetensors.fromBytes(bytes))
        .isInstanceOf(MalformedFileException.class);
  }

  @Test
  void refusesInvalidUtf8() {
    byte[] bytes = file("{\"?\":1}", new byte[0]);
    bytes[10] = (byte) 0xff;

    assertThatThrownBy(() -> Safetensors.fromBytes(bytes))
        .isInstanceOf(MalformedFileException.class);
  }

  @Test
  void survivesAnySingleDamage() {
    byte[] sound = new Safetensors(Map.of("k", "v"), Map.of("a", A, "b", B)).toBytes();
    Random random = new Random(7);
    for (int i = 0; i < 20_000; i++) {
      byte[] damaged = sound.clone();
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      try {
        Safetensors.fromBytes(damaged);
      } catch (MalformedFileException expected) {
        assertThat(expected.getMessage()).isNotBlank();
      }
    }
    for (int length = 0; length < sound.length; length++) {
      byte[] shorter = java.util.Arrays.copyOf(sound, length);
      assertThatThrownBy(() -> Safetensors.fromBytes(shorter))
          .isInstanceOf(MalformedFileException.class);
    }
  }

  private static String tensor(String name, String type, String shape, String offsets) {
    return "{\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}"
        .formatted(name, type, shape, offsets);
  }

  private static byte[] file(String header, byte[] data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data)
        .array();
  }
}
