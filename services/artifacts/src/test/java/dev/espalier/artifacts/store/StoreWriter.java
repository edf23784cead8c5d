package dev.espalier.artifacts.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * A process that writes artifacts into a directory and says what became of each, one line a put:
 * {@code stored <sha256>} or {@code failed <reason> left <files under way>}.
 */
final class StoreWriter {

  private StoreWriter() {}

  /** Arguments: the directory, a seed, then the length of each artifact; the last one repeats. */
  public static void main(String[] args) throws IOException {
    Path root = Path.of(args[0]);
    long seed = Long.parseLong(args[1]) << 32;
    DirectoryArtifactStore store = new DirectoryArtifactStore(root);
    System.out.println("open");
    for (int i = 2; ; i = Math.min(i + 1, args.length - 1)) {
      if (args[i].equals("end")) {
        return;
      }
      byte[] bytes = new byte[Integer.parseInt(args[i])];
      ByteBuffer.wrap(bytes).putLong(seed++);
      try {
        System.out.println("stored " + store.put(bytes, MediaTypes.BYTES).sha256());
      } catch (ArtifactException e) {
        try (Stream<Path> left = Files.list(root.resolve("tmp"))) {
          System.out.println("failed " + e.reason() + " left " + left.count());
        }
      }
    }
  }
}
