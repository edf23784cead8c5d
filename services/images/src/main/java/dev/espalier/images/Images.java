package dev.espalier.images;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes images of services as tars: {@code Images SERVICES DIRECTORY VERSION NAME,...}, where
 * {@code SERVICES} is the folder whose modules Maven has packaged.
 */
public final class Images {

  private static final List<String> KNOWN =
      List.of("scheduler", "trainer", "redistributor", "evaluator");

  private Images() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 4) {
      throw new IllegalArgumentException(
          "expected SERVICES DIRECTORY VERSION NAME,... but found " + List.of(arguments));
    }
    Path services = Path.of(arguments[0]).toRealPath();
    Path directory = Files.createDirectories(Path.of(arguments[1])).toRealPath();
    List<String> names = List.of(arguments[3].split(","));
    if (!KNOWN.containsAll(names)) {
      throw new IllegalArgumentException("expected some of " + KNOWN + " but found " + names);
    }
    Path accounts = Files.createDirectories(directory.resolve("accounts"));
    Files.writeString(
        accounts.resolve("passwd"),
        "root:x:0:0::/:/none\nespalier:x:10001:10001::/var/lib/espalier:/none\n");
    Files.writeString(accounts.resolve("group"), "root:x:0:\nespalier:x:10001:\n");
    JavaRuntime runtime = JavaRuntime.link(directory.resolve("java"));
    for (String name : names) {
      Path target = services.resolve(name).resolve("target");
      Path tar =
          new ServiceImage(
                  name,
                  packaged(target, "quarkus-app"),
                  packaged(target, "sbom.json"),
                  arguments[2])
              .write(runtime, accounts, directory);
      System.out.printf("%s: %d MB%n", tar.getFileName(), Files.size(tar) >> 20);
    }
  }

  private static Path packaged(Path target, String name) {
    Path path = target.resolve(name);
    if (!Files.exists(path)) {
      throw new IllegalStateException("expected " + path + "; run mvn -Pimages package");
    }
    return path;
  }
}
