package dev.espalier.cli.registry;

import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.server.Scheduler;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;

/** A model or dataset that comes with the program, in the jar of the embedded installation. */
public record Shipped(String collection, String name, String entry) {

  public static final Shipped MODEL =
      new Shipped("models", "fashion-vit-96x6", "models/fashion-vit-96x6.safetensors");

  /** The small base of the table of evidence. */
  public static final Shipped SMALL_MODEL =
      new Shipped("models", "fashion-vit-48x4", "models/fashion-vit-48x4.safetensors");

  public static final Shipped DATASET =
      new Shipped("datasets", "fashion-mnist-subset", "datasets/fashion-mnist-subset.zip");

  public static final List<Shipped> ALL = List.of(MODEL, SMALL_MODEL, DATASET);

  public static Optional<Shipped> find(String collection, String name) {
    return ALL.stream()
        .filter(item -> item.collection().equals(collection) && item.name().equals(name))
        .findFirst();
  }

  public byte[] read(Path home) {
    Path jar = home.resolve("services/standalone/target/espalier-standalone-run.jar");
    try (JarFile file = new JarFile(jar.toFile())) {
      ZipEntry found = file.getEntry(entry);
      if (found == null) {
        throw new CommandFailed("%s has no %s; build it again".formatted(jar, entry));
      }
      try (InputStream in = file.getInputStream(found)) {
        return in.readAllBytes();
      }
    } catch (IOException e) {
      throw new CommandFailed("cannot read %s: %s".formatted(jar, e.getMessage()));
    }
  }

  /**
   * Registers it where the scheduler has nothing under its name: who has brought an installation up
   * can hand in the examples.
   *
   * @return whether it was registered now
   */
  public boolean registerIfMissing(Scheduler scheduler) {
    if (scheduler.find("/" + collection + "/" + Scheduler.encoded(name)).isPresent()) {
      return false;
    }
    scheduler.register(collection, name, scheduler.upload(read(Context.home())), false);
    return true;
  }

  public static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
