package dev.espalier.images;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a service needs beneath it: the modules of this JDK that services use, linked by {@code
 * jlink}, and the libraries of this machine's Debian that they, PyTorch and ONNX Runtime load.
 * Nothing else is in the image: no shell, no package manager.
 *
 * @param home directory of the linked runtime
 * @param libraries shared libraries by the path under which they are found at run time
 */
record JavaRuntime(Path home, Set<Path> libraries) {

  /** {@code java.se} and what Quarkus, DJL, TLS and flight recordings use beyond it. */
  private static final String MODULES =
      "java.se,jdk.crypto.ec,jdk.jfr,jdk.management,jdk.naming.dns,jdk.net,jdk.unsupported,jdk.zipfs";

  /** What the engines' own libraries ask for, which only exist once a service has unpacked them. */
  private static final List<String> ENGINES =
      List.of(
          "libstdc++.so.6",
          "libgcc_s.so.1",
          "libm.so.6",
          "libdl.so.2",
          "libpthread.so.0",
          "librt.so.1");

  private static final Pattern RESOLVED = Pattern.compile("(?:=> )?(/\\S+) \\(0x");

  static JavaRuntime link(Path home) throws IOException {
    if (!Files.exists(home)) {
      Path jdk = Path.of(System.getProperty("java.home"));
      run(
          jdk.resolve("bin/jlink").toString(),
          "--add-modules",
          MODULES,
          "--strip-java-debug-attributes",
          "--no-man-pages",
          "--no-header-files",
          "--compress=1",
          "--output",
          home.toString());
    }
    return new JavaRuntime(home, libraries(home));
  }

  private static Set<Path> libraries(Path home) throws IOException {
    List<String> command = new ArrayList<>(List.of("ldd", home.resolve("bin/java").toString()));
    try (Stream<Path> files = Files.walk(home.resolve("lib"))) {
      files
          .filter(file -> file.toString().endsWith(".so"))
          // Of windows and sound, which no service opens.
          .filter(
              file -> !file.getFileName().toString().matches("lib(awt_xawt|jawt|splash|jsound).*"))
          .forEach(file -> command.add(file.toString()));
    }
    Set<Path> found = new TreeSet<>(Comparator.naturalOrder());
    Matcher line = RESOLVED.matcher(run(command.toArray(String[]::new)));
    while (line.find()) {
      Path library = Path.of(line.group(1));
      if (!library.startsWith(home)) {
        found.add(library);
      }
    }
    Path folder =
        found.stream()
            .filter(library -> library.getFileName().toString().equals("libc.so.6"))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("expected libc.so.6 among " + found))
            .getParent();
    for (String name : ENGINES) {
      Path library = folder.resolve(name);
      if (!Files.exists(library)) {
        throw new IllegalStateException("expected " + library + ", which engines load");
      }
      found.add(library);
    }
    return found;
  }

  private static String run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try {
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new UncheckedIOException(
            new IOException(command[0] + " ended in " + process.exitValue() + ": " + output));
      }
      return output;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted in " + command[0], e);
    }
  }
}
