package dev.espalier.images;

import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.JibContainerBuilder;
import com.google.cloud.tools.jib.api.TarImage;
import com.google.cloud.tools.jib.api.buildplan.AbsoluteUnixPath;
import com.google.cloud.tools.jib.api.buildplan.FileEntriesLayer;
import com.google.cloud.tools.jib.api.buildplan.FilePermissions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The image of one service, in layers from what changes least to what changes most: runtime,
 * libraries, application. The same files give the same image.
 *
 * @param service such as {@code trainer}
 * @param application what Maven packaged: {@code target/quarkus-app}
 * @param sbom what is in it, of CycloneDX
 */
record ServiceImage(String service, Path application, Path sbom, String version) {

  private static final String USER = "10001";
  private static final FilePermissions OWN_DIRECTORY = FilePermissions.fromOctalString("755");
  private static final FilePermissions SHARED_DIRECTORY = FilePermissions.fromOctalString("777");

  private static final Map<String, String> ENVIRONMENT =
      Map.of(
          "PATH", "/opt/java/bin",
          "QUARKUS_HTTP_HOST", "0.0.0.0",
          "DJL_CACHE_DIR", "/var/lib/espalier/djl",
          "ESPALIER_STORE", "/var/lib/espalier/store");

  private static final List<String> ENTRYPOINT =
      List.of(
          "/opt/java/bin/java",
          "-XX:MaxRAMPercentage=50",
          "-Dai.djl.offline=true",
          "-jar",
          "/opt/espalier/quarkus-run.jar");

  /**
   * @param accounts {@code passwd} and {@code group} with the user that runs it
   * @return the tar, in the form that {@code docker load} reads
   */
  Path write(JavaRuntime runtime, Path accounts, Path directory) throws Exception {
    Path tar = directory.resolve("espalier-" + service + ".tar");
    JibContainerBuilder image =
        Jib.fromScratch()
            .addFileEntriesLayer(system(runtime, accounts))
            .addFileEntriesLayer(files("java", runtime.home(), "/opt/java"))
            .addFileEntriesLayer(
                files("libraries", application.resolve("lib"), "/opt/espalier/lib"))
            .addFileEntriesLayer(programs())
            .setUser(USER + ":" + USER)
            .setWorkingDirectory(AbsoluteUnixPath.get("/var/lib/espalier"))
            .setEnvironment(ENVIRONMENT)
            .setEntrypoint(ENTRYPOINT)
            .setCreationTime(Instant.EPOCH)
            .addLabel("org.opencontainers.image.title", "espalier-" + service)
            .addLabel(
                "org.opencontainers.image.description",
                "Prunes Vision Transformers in sweeps of experiments: the " + service)
            .addLabel("org.opencontainers.image.version", version)
            .addLabel("org.opencontainers.image.licenses", "Apache-2.0");
    image.containerize(
        Containerizer.to(TarImage.at(tar).named("espalier-" + service + ":" + version))
            .setApplicationLayersCache(directory.resolve("layers"))
            .setBaseImageLayersCache(directory.resolve("base"))
            .setOfflineMode(true)
            .setToolName("espalier"));
    return tar;
  }

  /** Shared libraries where the loader looks for them, accounts, and directories to write to. */
  private static FileEntriesLayer system(JavaRuntime runtime, Path accounts) throws IOException {
    FileEntriesLayer.Builder layer = FileEntriesLayer.builder().setName("system");
    for (Path library : runtime.libraries()) {
      layer.addEntry(
          library.toRealPath(),
          AbsoluteUnixPath.get(library.toString()),
          FilePermissions.fromOctalString("755"));
    }
    for (String name : List.of("passwd", "group")) {
      layer.addEntry(accounts.resolve(name), AbsoluteUnixPath.get("/etc/" + name));
    }
    directory(layer, accounts, "/tmp", SHARED_DIRECTORY, "0:0");
    for (String path :
        List.of("/var/lib/espalier", "/var/lib/espalier/store", "/var/lib/espalier/djl")) {
      directory(layer, accounts, path, OWN_DIRECTORY, USER + ":" + USER);
    }
    return layer.build();
  }

  private static void directory(
      FileEntriesLayer.Builder layer,
      Path any,
      String path,
      FilePermissions permissions,
      String owner) {
    layer.addEntry(
        any,
        AbsoluteUnixPath.get(path),
        permissions,
        FileEntriesLayer.DEFAULT_MODIFICATION_TIME,
        owner);
  }

  private static FileEntriesLayer files(String name, Path from, String to) throws IOException {
    FileEntriesLayer.Builder layer = FileEntriesLayer.builder().setName(name);
    add(layer, from, to);
    return layer.build();
  }

  private FileEntriesLayer programs() throws IOException {
    FileEntriesLayer.Builder layer = FileEntriesLayer.builder().setName("application");
    for (String part : List.of("app", "quarkus")) {
      add(layer, application.resolve(part), "/opt/espalier/" + part);
    }
    layer.addEntry(
        application.resolve("quarkus-run.jar"),
        AbsoluteUnixPath.get("/opt/espalier/quarkus-run.jar"));
    layer.addEntry(sbom, AbsoluteUnixPath.get("/opt/espalier/sbom.cdx.json"));
    return layer.build();
  }

  private static void add(FileEntriesLayer.Builder layer, Path from, String to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        FilePermissions permissions =
            FilePermissions.fromOctalString(Files.isExecutable(file) ? "755" : "644");
        layer.addEntry(file, AbsoluteUnixPath.get(to + "/" + from.relativize(file)), permissions);
      }
    }
  }
}
