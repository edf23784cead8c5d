package dev.espalier.e2e.repository;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the checkout lies that these tests look at. */
public final class Repository {

  private Repository() {}

  /** The directory with the launcher in it: the nearest one above the working directory. */
  public static Path root() {
    for (Path path = Path.of("").toAbsolutePath(); path != null; path = path.getParent()) {
      if (Files.isDirectory(path.resolve("schemas")) && Files.exists(path.resolve("LICENSE"))) {
        return path;
      }
    }
    throw new IllegalStateException(
        "expected to run below the repository's root but the working directory is "
            + Path.of("").toAbsolutePath());
  }
}
