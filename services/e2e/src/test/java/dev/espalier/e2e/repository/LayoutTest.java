package dev.espalier.e2e.repository;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a newcomer sees first: the top level, and links that lead somewhere. */
class LayoutTest {

  private static final Set<String> TOP_LEVEL =
      Set.of(
          "services",
          "deploy",
          "schemas",
          "dashboards",
          "docker-compose.yml",
          "README.md",
          "LICENSE",
          "pom.xml",
          "espalier");

  private static final Pattern LINK = Pattern.compile("]\\(([^)#\\s]+)(#[^)]*)?\\)");

  @Test
  void theTopLevelHoldsWhatTheDesignNamesAndNothingElse() throws IOException {
    try (Stream<Path> entries = Files.list(Repository.root())) {
      List<String> visible =
          entries
              .map(path -> path.getFileName().toString())
              .filter(name -> !name.startsWith(".") && !name.equals("target"))
              .toList();
      assertThat(visible).containsExactlyInAnyOrderElementsOf(TOP_LEVEL);
    }
  }

  @Test
  void linksInMarkdownLeadToFilesThatExist() throws IOException {
    List<String> broken = new ArrayList<>();
    for (Path page : pages()) {
      Matcher link = LINK.matcher(Files.readString(page));
      while (link.find()) {
        String target = link.group(1);
        if (target.matches("[a-z]+:.*")) {
          continue;
        }
        if (!Files.exists(page.resolveSibling(target).normalize())) {
          broken.add(Repository.root().relativize(page) + " -> " + target);
        }
      }
    }
    assertThat(broken).isEmpty();
  }

  private static List<Path> pages() throws IOException {
    try (Stream<Path> files = Files.walk(Repository.root())) {
      return files
          .filter(path -> path.toString().endsWith(".md"))
          .filter(
              path -> {
                String relative = Repository.root().relativize(path).toString();
                return !relative.contains("target/") && !relative.contains("node_modules/");
              })
          .toList();
    }
  }
}
