package dev.espalier.standalone.supervisor;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The packaged artifacts that are started, the same that the images carry.
 *
 * @param home directory of the checkout
 */
record Installation(Path home) {

  Path standaloneJar() {
    return home.resolve("services/standalone/target/espalier-standalone-run.jar");
  }

  Path leashJar() {
    return home.resolve("services/standalone/target/espalier-standalone-leash.jar");
  }

  Path service(String name) {
    return home.resolve("services").resolve(name).resolve("target/quarkus-app/quarkus-run.jar");
  }

  static Path java() {
    return Path.of(
        System.getProperty("java.home"), "bin", File.separatorChar == '/' ? "java" : "java.exe");
  }

  /** Files that a build should have left and has not. */
  List<Path> missing() {
    List<Path> missing = new ArrayList<>();
    missing.add(standaloneJar());
    missing.add(leashJar());
    for (String service : Fleet.SERVICES) {
      missing.add(service(service));
    }
    missing.removeIf(Files::isRegularFile);
    return missing;
  }
}
