package dev.espalier.artifacts.store;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Bytes under way and the SHA-256 that names them. */
final class Digests {

  static final int BUFFER_BYTES = 1 << 16;

  private Digests() {}

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Copies the stream and returns its length; the digest has seen every byte. */
  static long copy(InputStream from, WritableByteChannel to, MessageDigest digest)
      throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    long size = 0;
    for (int read = from.read(buffer); read >= 0; read = from.read(buffer)) {
      digest.update(buffer, 0, read);
      ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, read);
      while (bytes.hasRemaining()) {
        to.write(bytes);
      }
      size += read;
    }
    return size;
  }

  /** Fails as soon as more than the limit was read. */
  static final class Limited extends FilterInputStream {

    private final long limit;
    private long read;

    Limited(InputStream in, long limit) {
      super(in);
      this.limit = limit;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int count = super.read(bytes, offset, length);
      read += Math.max(count, 0);
      if (read > limit) {
        throw ArtifactException.tooLarge(limit);
      }
      return count;
    }
  }

  /** Fails where the stream ends before its length, which the JDK's connection does not tell. */
  static final class Whole extends FilterInputStream {

    private final long length;
    private long read;

    Whole(InputStream in, long length) {
      super(in);
      this.length = length;
    }

    @Override
    public int read(byte[] bytes, int offset, int count) throws IOException {
      int found = super.read(bytes, offset, count);
      if (found < 0 && read < length) {
        throw new IOException("the line ended after %d of %d bytes".formatted(read, length));
      }
      read += Math.max(found, 0);
      return found;
    }
  }

  /** Compares the digest when the end is reached. */
  static final class Checked extends FilterInputStream {

    private final String sha256;
    private final MessageDigest digest = sha256();
    private boolean ended;

    Checked(InputStream in, String sha256) {
      super(in);
      this.sha256 = sha256;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int count = super.read(bytes, offset, length);
      if (count > 0) {
        digest.update(bytes, offset, count);
      } else if (count < 0 && !ended) {
        ended = true;
        String found = hex(digest);
        if (!found.equals(sha256)) {
          throw ArtifactException.corrupt(sha256, found);
        }
      }
      return count;
    }

    @Override
    public long skip(long count) throws IOException {
      return readNBytes((int) Math.min(count, BUFFER_BYTES)).length;
    }

    @Override
    public boolean markSupported() {
      return false;
    }
  }
}
