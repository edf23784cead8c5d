package dev.espalier.artifacts.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.artifacts.store.ArtifactException.Reason;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a directory holds after its writer died in the middle, or its disk was full. */
class DirectoryArtifactStoreCrashTest {

  private static final int DEATHS = 10;
  private static final String LARGE = String.valueOf(4 << 20);
  private static final String SMALL = "1000";

  @TempDir Path directory;

  @Test
  void everyFileIsWholeWhereverItsWriterWasKilled() throws Exception {
    Random random = new Random(11);
    Path root = directory.resolve("store");
    List<String> stored = new ArrayList<>();
    for (int death = 0; death < DEATHS; death++) {
      Process writer = start(List.of(), root.toString(), String.valueOf(death), LARGE);
      try (BufferedReader lines = lines(writer)) {
        assertThat(lines.readLine()).isEqualTo("open");
        stored.add(lines.readLine());
        long before = System.nanoTime();
        stored.add(lines.readLine());
        // Anywhere in the next two writes, however fast this machine is.
        TimeUnit.NANOSECONDS.sleep((long) (random.nextDouble() * 2 * (System.nanoTime() - before)));
        writer.toHandle().destroyForcibly(); // its output can still be read
        writer.waitFor();
        lines.lines().filter(line -> line.length() == 71).forEach(stored::add);
      }
    }

    assertThat(list(root.resolve("tmp"))).as("writes that were cut").isNotEmpty();
    DirectoryArtifactStore store = new DirectoryArtifactStore(root);
    List<String> names = new ArrayList<>();
    for (Path fan : list(root)) {
      if (!fan.endsWith("tmp")) {
        list(fan).forEach(file -> names.add(file.getFileName().toString()));
      }
    }
    // Whatever has an artifact's name reads to the digest that it is named by ...
    assertThat(names).allSatisfy(name -> assertThat(store.read(name)).hasSize(4 << 20));
    // ... and whatever the writer was told is stored is there.
    assertThat(names).containsAll(stored.stream().map(line -> line.substring(7)).toList());
  }

  /** A file that the power cut out of its data, though its name reached the disk. */
  @Test
  void aFileWithoutItsDataIsNoArtifactAndIsWrittenAnew() throws IOException {
    DirectoryArtifactStore store = new DirectoryArtifactStore(directory);
    byte[] bytes = new byte[100_000];
    new Random(1).nextBytes(bytes);
    String name = store.put(bytes, MediaTypes.BYTES).sha256();
    Path file = directory.resolve(name.substring(0, 2)).resolve(name);
    for (byte[] found : List.of(new byte[0], new byte[100_000], Arrays.copyOf(bytes, 65_536))) {
      Files.write(file, found);

      assertThatThrownBy(() -> store.read(name))
          .isInstanceOfSatisfying(
              ArtifactException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CORRUPT));
      store.put(bytes, MediaTypes.BYTES);
      assertThat(store.read(name)).isEqualTo(bytes);
    }
  }

  @ParameterizedTest
  @MethodSource("smallDisks")
  void aFullDiskHoldsWhatFitsAndNothingElse(String disk) throws Exception {
    String root = directory.resolve("store").toString();
    List<String> before = List.of("sh", "-c", disk, root);
    Process writer = start(before, root, "1", SMALL, LARGE, SMALL, "end");
    List<String> said;
    try (BufferedReader lines = lines(writer)) {
      said = lines.lines().toList();
    }

    assertThat(writer.waitFor()).isZero();
    assertThat(said).hasSize(4);
    assertThat(said.get(1)).startsWith("stored ");
    assertThat(said.get(2)).isEqualTo("failed STORE_FULL left 0");
    assertThat(said.get(3)).startsWith("stored ");
  }

  /** A limit of 1 MiB a file and, where the system lets us mount one, a disk of 2 MiB. */
  static List<String> smallDisks() throws Exception {
    String mount = "mkdir -p \"$0\" && mount -t tmpfs -o size=2m none \"$0\"";
    String limited = "ulimit -f 2048 && exec \"$@\"";
    String mounted = "unshare -rm sh -c '" + mount + " && exec \"$@\"' \"$0\" \"$@\"";
    Path probe = Files.createTempDirectory("disk");
    boolean mountable =
        new ProcessBuilder("sh", "-c", mounted, probe.toString(), "true").start().waitFor() == 0;
    Files.delete(probe);
    return mountable ? List.of(limited, mounted) : List.of(limited);
  }

  private static Process start(List<String> before, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(before);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx64m",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            StoreWriter.class.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static BufferedReader lines(Process writer) {
    return new BufferedReader(new InputStreamReader(writer.getInputStream()));
  }

  private static List<Path> list(Path of) throws IOException {
    try (Stream<Path> files = Files.list(of)) {
      return files.toList();
    }
  }
}
