package dev.espalier.artifacts.pretrained;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.pretrained.Pretrained.Wishes;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.safetensors.Safetensors;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model from a stranger ends in a clear error, whatever it holds. */
class HostileModelTest {

  private static final VitArchitecture VIT = VitArchitecture.uniform(8, 4, 1, 3, 16, 1, 2, 32);
  private static final int MUTATIONS = 10_000;

  /** Far above what a file of 10 KB needs, far below what its lies ask for. */
  private static final long MAX_ALLOCATION = 8 << 20;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @TempDir Path directory;

  @Test
  @Timeout(300)
  void endsTenThousandMutationsInAModelOrAClearError() throws IOException {
    byte[] model = ModelFile.write(weights());
    byte[] checkpoint = new Safetensors(Map.of("format", "pt"), weights().tensors()).toBytes();
    Random random = new Random(20_251);
    int refused = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] mutated = mutated(i % 2 == 0 ? model : checkpoint, random);
      long before = THREADS.getCurrentThreadAllocatedBytes();
      try {
        if (i % 2 == 0) {
          ModelFile.check(new ByteArrayInputStream(mutated), mutated.length);
        } else {
          imported(mutated);
        }
      } catch (MalformedFileException e) {
        assertThat(e.getMessage()).matches("[\\x20-\\x7e…]{10,1000}");
        refused++;
      }
      assertThat(THREADS.getCurrentThreadAllocatedBytes() - before).isLessThan(MAX_ALLOCATION);
    }
    assertThat(refused).isBetween(MUTATIONS / 10, MUTATIONS);
  }

  /** Damage, loss, repetition, and other numbers in the header: what breaks readers. */
  private static byte[] mutated(byte[] sound, Random random) throws IOException {
    int header = 8 + (int) ByteBuffer.wrap(sound).order(ByteOrder.LITTLE_ENDIAN).getLong();
    int at = random.nextInt(random.nextInt(4) == 0 ? sound.length : header);
    int length = 1 + random.nextInt(16);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    switch (random.nextInt(6)) {
      case 0 -> { // bytes
        byte[] changed = sound.clone();
        for (int i = at; i < Math.min(sound.length, at + length); i++) {
          changed[i] = (byte) random.nextInt(256);
        }
        return changed;
      }
      case 1 -> { // one bit
        byte[] changed = sound.clone();
        changed[at] ^= (byte) (1 << random.nextInt(8));
        return changed;
      }
      case 2 -> out.write(sound, 0, at); // truncated
      case 3 -> { // a piece is gone
        out.write(sound, 0, at);
        int from = Math.min(sound.length, at + length);
        out.write(sound, from, sound.length - from);
      }
      case 4 -> { // a piece comes twice
        out.write(sound, 0, at);
        int from = Math.max(0, at - length);
        out.write(sound, from, sound.length - from);
      }
      default -> { // a digit of the header becomes a large or negative number
        String json = new String(sound, 8, header - 8, StandardCharsets.UTF_8);
        String[] numbers = {"-1", "9223372036854775807", "4294967296", "1e308", "[]", "null"};
        int digit = 0;
        while (!Character.isDigit(json.charAt((at + digit) % json.length()))) {
          digit++;
        }
        digit = (at + digit) % json.length();
        byte[] changed =
            (json.substring(0, digit)
                    + numbers[random.nextInt(numbers.length)]
                    + json.substring(digit + 1))
                .getBytes(StandardCharsets.UTF_8);
        out.write(length(changed.length));
        out.write(changed);
        out.write(sound, header, sound.length - header);
      }
    }
    return out.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\\\windows",
        "a..b",
        "head.weight/",
        "head\\u0000.weight",
        "head\\u001b[2J",
        "head.weight\\n",
        "\\u202eweight"
      })
  void refusesNamesThatAreTricks(String name) {
    byte[] json =
        "{\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
            .formatted(name)
            .getBytes(StandardCharsets.UTF_8);
    byte[] file =
        ByteBuffer.allocate(8 + json.length + 4).put(length(json.length)).put(json).array();

    assertThatThrownBy(() -> imported(file))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("tensor name")
        .message()
        .matches("[\\x20-\\x7e…]+");
  }

  @ParameterizedTest
  @ValueSource(strings = {"I64", "F64", "BOOL", "F8_E4M3", "PICKLE"})
  void refusesTypesThatHoldNoWeights(String type) {
    String file = new String(ModelFile.write(weights()), StandardCharsets.ISO_8859_1);
    byte[] other =
        file.replaceFirst("\"dtype\":\"F32\"", "\"dtype\":\"%s\"".formatted(type))
            .getBytes(StandardCharsets.ISO_8859_1);
    ByteBuffer.wrap(other)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(
            0,
            ByteBuffer.wrap(other).order(ByteOrder.LITTLE_ENDIAN).getLong(0) + type.length() - 3);

    assertThatThrownBy(() -> ModelFile.check(new ByteArrayInputStream(other), other.length))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("blocks.0.attn.proj.bias");
  }

  @Test
  void refusesWeightsThatAreNoNumbers() {
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      VitWeights model = weights();
      model.tensor("norm.bias").values()[2] = value;
      byte[] file = ModelFile.write(model);

      assertThatThrownBy(() -> ModelFile.check(new ByteArrayInputStream(file), file.length))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageContaining("norm.bias")
          .hasMessageContaining(String.valueOf(value));
    }
  }

  @Test
  void refusesAModelThatIsNotWhatItsArchitectureSays() {
    Map<String, Tensor> missing = new LinkedHashMap<>(weights().tensors());
    missing.remove("head.bias");
    refuses(missing, "head.bias");
    Map<String, Tensor> more = new LinkedHashMap<>(weights().tensors());
    more.put("blocks.7.norm1.bias", more.get("norm.bias"));
    refuses(more, "blocks.7.norm1.bias");
    Map<String, Tensor> other = new LinkedHashMap<>(weights().tensors());
    other.put("head.bias", new Tensor(new int[] {4}, new float[4]));
    refuses(other, "head.bias");
    byte[] plain = new Safetensors(Map.of(), weights().tensors()).toBytes();
    assertThatThrownBy(() -> ModelFile.check(new ByteArrayInputStream(plain), plain.length))
        .hasMessageContaining(ModelFile.ARCHITECTURE);
  }

  private static void refuses(Map<String, Tensor> tensors, String named) {
    byte[] file = ModelFile.write(new VitWeights(VIT, tensors));
    assertThatThrownBy(() -> ModelFile.check(new ByteArrayInputStream(file), file.length))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining(named);
  }

  private void imported(byte[] bytes) throws IOException {
    Path file = directory.resolve("stranger.safetensors");
    Files.write(file, bytes);
    Wishes wishes =
        new Wishes(Optional.of(2), Optional.empty(), Optional.empty(), Optional.empty());
    try (Pretrained model = Pretrained.open(PretrainedFiles.find(file), wishes)) {
      model.write(OutputStream.nullOutputStream());
    }
  }

  private static byte[] length(int bytes) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(bytes).array();
  }

  private static VitWeights weights() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ParameterShapes.of(VIT)
        .forEach(
            (name, shape) -> {
              int size = 1;
              for (int axis : shape) {
                size *= axis;
              }
              tensors.put(name, new Tensor(shape, new float[size]));
            });
    return new VitWeights(VIT, tensors);
  }
}
