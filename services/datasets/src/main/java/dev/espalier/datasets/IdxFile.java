package dev.espalier.datasets;

import static dev.espalier.architecture.files.FileLimits.PART_BYTES;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * An IDX file of unsigned bytes, as MNIST and its successors come: two zero bytes, type 0x08, the
 * number of axes, their lengths as big-endian int32, then the elements row-major.
 *
 * <p>A reader of hostile files: types, ranks and sizes are checked before memory is taken, memory
 * grows with the bytes that really arrive, and too few or too many bytes are an error.
 *
 * @param shape lengths of the axes
 * @param elements unsigned bytes, row-major; shared, not copied
 */
public record IdxFile(int[] shape, byte[] elements) {

  private static final int UNSIGNED_BYTE = 0x08;
  private static final int CHUNK = 1 << 20;

  /** Reads a plain or gzipped file, told apart by its first bytes. */
  public static IdxFile read(Path file) throws IOException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      in.mark(2);
      boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
      in.reset();
      return read(gzip ? new GZIPInputStream(in, 1 << 16) : in, file.getFileName().toString());
    } catch (ZipException | EOFException e) {
      throw new InvalidDatasetException(
          "%s: is damaged: %s".formatted(file.getFileName(), e.getMessage()), e);
    }
  }

  /**
   * Reads to the end of {@code stream}, which stays open.
   *
   * @param name of the file, for errors
   */
  static IdxFile read(InputStream stream, String name) throws IOException {
    DataInputStream in = new DataInputStream(stream);
    try {
      int magic = in.readInt();
      int rank = magic & 0xff;
      if (magic >>> 8 != UNSIGNED_BYTE || rank < 1 || rank > 4) {
        throw new InvalidDatasetException(
            "%s: expected an IDX header of unsigned bytes with 1 to 4 axes but found %08x"
                .formatted(name, magic));
      }
      int[] shape = new int[rank];
      BigInteger length = BigInteger.ONE;
      for (int axis = 0; axis < rank; axis++) {
        shape[axis] = in.readInt();
        if (shape[axis] < 1) {
          throw new InvalidDatasetException(
              "%s: expected axis %d to be at least 1 but found %d"
                  .formatted(name, axis, shape[axis]));
        }
        length = length.multiply(BigInteger.valueOf(shape[axis]));
      }
      if (length.compareTo(BigInteger.valueOf(PART_BYTES)) > 0) {
        throw new InvalidDatasetException(
            "%s: expected at most %d elements but found %d".formatted(name, PART_BYTES, length));
      }
      int size = length.intValue();
      byte[] elements = readExactly(in, size, name);
      if (in.read() != -1) {
        throw new InvalidDatasetException(
            "%s: expected %d elements but more bytes follow".formatted(name, size));
      }
      return new IdxFile(shape, elements);
    } catch (EOFException e) {
      throw new InvalidDatasetException(name + ": ends inside its header or data", e);
    } catch (ZipException e) {
      throw new InvalidDatasetException(name + ": is damaged: " + e.getMessage(), e);
    }
  }

  private static byte[] readExactly(InputStream in, int size, String name) throws IOException {
    ByteArrayOutputStream collected = new ByteArrayOutputStream(Math.min(size, CHUNK));
    byte[] chunk = new byte[Math.min(size, CHUNK)];
    int left = size;
    while (left > 0) {
      int read = in.readNBytes(chunk, 0, Math.min(left, chunk.length));
      if (read == 0) {
        throw new InvalidDatasetException(
            "%s: expected %d elements but found %d".formatted(name, size, size - left));
      }
      collected.write(chunk, 0, read);
      left -= read;
    }
    return collected.toByteArray();
  }

  /** Writes the file; {@code out} stays open. */
  void write(OutputStream out) throws IOException {
    DataOutputStream data = new DataOutputStream(out);
    data.writeInt(UNSIGNED_BYTE << 8 | shape.length);
    for (int length : shape) {
      data.writeInt(length);
    }
    data.write(elements);
    data.flush();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof IdxFile that
        && Arrays.equals(shape, that.shape)
        && Arrays.equals(elements, that.elements);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(shape) + Arrays.hashCode(elements);
  }

  @Override
  public String toString() {
    return "IdxFile" + Arrays.toString(shape);
  }
}
