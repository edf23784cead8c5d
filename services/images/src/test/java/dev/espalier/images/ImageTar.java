package dev.espalier.images;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/** An image that was made, read file by file: some are large. */
record ImageTar(String service) {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path IMAGES = Path.of("target/images");
  private static final Pattern NAME = Pattern.compile("espalier-(.*)\\.tar");

  /** Sees a file of a layer. */
  interface Visitor {
    void visit(TarArchiveEntry entry, InputStream content) throws IOException;
  }

  /** Those that were asked for. */
  static List<ImageTar> all() throws IOException {
    try (Stream<Path> files = Files.list(IMAGES)) {
      List<ImageTar> images =
          files
              .map(file -> NAME.matcher(file.getFileName().toString()))
              .filter(Matcher::matches)
              .map(name -> new ImageTar(name.group(1)))
              .toList();
      assertThat(images).as("images in " + IMAGES).isNotEmpty();
      return images;
    }
  }

  /** How a container of it is run. */
  JsonNode config() throws IOException {
    return json(json("manifest.json").path(0).path("Config").asText()).path("config");
  }

  /** Visits all files of all layers, from the lowest up. */
  void each(Visitor visitor) throws IOException {
    JsonNode layers = json("manifest.json").path(0).path("Layers");
    assertThat(layers).hasSize(4);
    for (JsonNode name : layers) {
      try (TarArchiveInputStream image = at(name.asText())) {
        TarArchiveInputStream layer = new TarArchiveInputStream(new GZIPInputStream(image));
        for (TarArchiveEntry file = layer.getNextEntry();
            file != null;
            file = layer.getNextEntry()) {
          visitor.visit(file, layer);
        }
      }
    }
  }

  private JsonNode json(String name) throws IOException {
    try (TarArchiveInputStream tar = at(name)) {
      return JSON.readTree(tar.readAllBytes());
    }
  }

  private TarArchiveInputStream at(String name) throws IOException {
    Path file = IMAGES.resolve("espalier-" + service + ".tar");
    TarArchiveInputStream tar =
        new TarArchiveInputStream(new BufferedInputStream(Files.newInputStream(file)));
    TarArchiveEntry entry = tar.getNextEntry();
    while (entry != null && !entry.getName().equals(name)) {
      entry = tar.getNextEntry();
    }
    assertThat(entry).as("%s in %s", name, file).isNotNull();
    return tar;
  }
}
