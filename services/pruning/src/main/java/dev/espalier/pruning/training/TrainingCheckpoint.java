package dev.espalier.pruning.training;

import dev.espalier.architecture.weights.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * A training at rest between two updates.
 *
 * <p>As bytes: {@code ESPCKPT1}, step and update count, then four groups of named float32 tensors,
 * then a CRC-32 of all that; numbers big-endian. Floats are kept by their bits, so reading back
 * loses nothing.
 *
 * @param step updates made
 * @param updates updates the optimizer counted
 * @param weights by timm name
 * @param firstMoments likewise
 * @param secondMoments likewise
 * @param hookState what the run's hook gave
 */
public record TrainingCheckpoint(
    long step,
    long updates,
    Map<String, Tensor> weights,
    Map<String, Tensor> firstMoments,
    Map<String, Tensor> secondMoments,
    Map<String, Tensor> hookState) {

  private static final long MAGIC = 0x455350434b505431L; // ESPCKPT1
  private static final int MAX_TENSORS = 100_000;
  private static final int MAX_RANK = 8;

  public TrainingCheckpoint {
    weights = Collections.unmodifiableMap(new LinkedHashMap<>(weights));
    firstMoments = Collections.unmodifiableMap(new LinkedHashMap<>(firstMoments));
    secondMoments = Collections.unmodifiableMap(new LinkedHashMap<>(secondMoments));
    hookState = Collections.unmodifiableMap(new LinkedHashMap<>(hookState));
    if (!weights.keySet().equals(firstMoments.keySet())
        || !weights.keySet().equals(secondMoments.keySet())) {
      throw new IllegalArgumentException("weights and moments must have the same names");
    }
  }

  public byte[] toBytes() {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(bytes);
      out.writeLong(MAGIC);
      out.writeLong(step);
      out.writeLong(updates);
      write(out, weights);
      write(out, firstMoments);
      write(out, secondMoments);
      write(out, hookState);
      CRC32 crc = new CRC32();
      crc.update(bytes.toByteArray());
      out.writeLong(crc.getValue());
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot fail", e);
    }
  }

  private static void write(DataOutputStream out, Map<String, Tensor> tensors) throws IOException {
    out.writeInt(tensors.size());
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      Tensor tensor = entry.getValue();
      out.writeUTF(entry.getKey());
      out.writeByte(tensor.shape().length);
      for (int length : tensor.shape()) {
        out.writeInt(length);
      }
      ByteBuffer values = ByteBuffer.allocate(Math.multiplyExact(4, tensor.values().length));
      for (float value : tensor.values()) {
        values.putInt(Float.floatToRawIntBits(value));
      }
      out.write(values.array());
    }
  }

  /**
   * Reads a checkpoint back.
   *
   * @throws IllegalArgumentException when the bytes are not a sound checkpoint
   */
  public static TrainingCheckpoint fromBytes(byte[] bytes) {
    try {
      if (bytes.length < 3 * Long.BYTES || ByteBuffer.wrap(bytes).getLong() != MAGIC) {
        throw new IllegalArgumentException("expected a training checkpoint but found other bytes");
      }
      int body = bytes.length - Long.BYTES;
      CRC32 crc = new CRC32();
      crc.update(bytes, 0, body);
      if (ByteBuffer.wrap(bytes, body, Long.BYTES).getLong() != crc.getValue()) {
        throw new IllegalArgumentException("the checkpoint is damaged: its checksum differs");
      }
      DataInputStream in =
          new DataInputStream(new ByteArrayInputStream(bytes, Long.BYTES, body - Long.BYTES));
      TrainingCheckpoint checkpoint =
          new TrainingCheckpoint(
              in.readLong(), in.readLong(), read(in), read(in), read(in), read(in));
      if (in.available() > 0) {
        throw new IllegalArgumentException("the checkpoint has bytes behind its end");
      }
      return checkpoint;
    } catch (IOException e) {
      throw new IllegalArgumentException("the checkpoint ends too early", e);
    }
  }

  private static Map<String, Tensor> read(DataInputStream in) throws IOException {
    int count = bounded(in.readInt(), MAX_TENSORS, "tensors");
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      String name = in.readUTF();
      int[] shape = new int[bounded(in.readByte(), MAX_RANK, "axes")];
      long size = 1;
      for (int axis = 0; axis < shape.length; axis++) {
        shape[axis] = bounded(in.readInt(), Integer.MAX_VALUE, "axis length");
        size = Math.multiplyExact(size, (long) shape[axis]);
      }
      if (size > in.available() / Float.BYTES) {
        throw new IllegalArgumentException(name + " is longer than the checkpoint");
      }
      float[] values = new float[Math.toIntExact(size)];
      ByteBuffer raw = ByteBuffer.wrap(in.readNBytes(values.length * Float.BYTES));
      for (int v = 0; v < values.length; v++) {
        values[v] = Float.intBitsToFloat(raw.getInt());
      }
      tensors.put(name, new Tensor(shape, values));
    }
    return tensors;
  }

  private static int bounded(int value, int most, String what) {
    if (value < 0 || value > most) {
      throw new IllegalArgumentException(
          "expected 0..%d %s but the checkpoint says %d".formatted(most, what, value));
    }
    return value;
  }
}
