package dev.espalier.artifacts.safetensors;

import dev.espalier.architecture.weights.Tensor;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** A safetensors file on disk, whose tensors are read one by one, when asked for. */
public final class SafetensorsFile implements AutoCloseable {

  private final FileChannel channel;
  private final SafetensorsHeader header;
  private final Map<String, TensorPlace> places = new LinkedHashMap<>();

  private SafetensorsFile(FileChannel channel, SafetensorsHeader header) {
    this.channel = channel;
    this.header = header;
    header.places().forEach(place -> places.put(place.name(), place));
  }

  /**
   * Reads the header.
   *
   * @throws MalformedFileException when the file is not sound
   */
  public static SafetensorsFile open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path);
    try {
      InputStream stream = new BufferedInputStream(Channels.newInputStream(channel));
      return new SafetensorsFile(channel, SafetensorsHeader.read(stream, channel.size()));
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** Where the tensors lie, by name. */
  public Map<String, TensorPlace> places() {
    return places;
  }

  /** Reads the tensor of that name; an error that names it where it is missing. */
  public Tensor tensor(String name) {
    TensorPlace place = places.get(name);
    if (place == null) {
      throw new MalformedFileException("expected a tensor " + name + " but there is none");
    }
    place.requireReadable();
    ByteBuffer bytes = ByteBuffer.allocate(place.bytes());
    try {
      long at = header.dataBegin() + place.begin();
      while (bytes.hasRemaining()) {
        int read = channel.read(bytes, at + bytes.position());
        if (read < 0) {
          throw new EOFException("the file became shorter while tensor " + name + " was read");
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read tensor " + name, e);
    }
    return place.read(bytes.flip());
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
