package dev.espalier.scheduler.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The report as a real browser reads and paints it. */
class ChromiumReportTest {

  private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
  private static final Pattern DATA = Pattern.compile("<data value=\"([^\"]+)\"");

  @TempDir Path directory;
  private SweepResults results;
  private Path report;

  @BeforeEach
  void writeReport() throws IOException {
    assumeTrue(Files.isExecutable(CHROMIUM), "skipped: there is no " + CHROMIUM);
    results = ResultsJson.read(ResultsJson.write(ReportFixture.results("In a browser")));
    report = Files.writeString(directory.resolve("report.html"), HtmlReport.write(results));
  }

  @Test
  void isReadWithoutAComplaintAndWithTheFiguresOfTheJson() throws Exception {
    Path log = directory.resolve("log");
    String dom = chromium(log, "--enable-logging=stderr", "--dump-dom");

    assertThat(Files.readString(log)).doesNotContain("CONSOLE");
    String written = HtmlReport.write(results);
    assertThat(count(dom, "<svg")).isEqualTo(count(written, "<svg")).isGreaterThan(15);
    List<Double> shown = figures(dom.substring(dom.indexOf("id=\"results\"")));
    results
        .cells()
        .forEach(
            cell -> {
              for (String name : List.of("params", "macs", "top1_accuracy", "latency_p50_ms")) {
                assertThat(shown)
                    .as("%s of %s", name, cell.cellId())
                    .contains(cell.measurements().get(name).mean());
              }
            });
  }

  @Test
  void isPaintedFromTopToEnd() throws Exception {
    Path picture = directory.resolve("report.png");
    chromium(
        directory.resolve("log"),
        "--screenshot=" + picture,
        "--window-size=1280,6000",
        "--hide-scrollbars");

    BufferedImage image = ImageIO.read(picture.toFile());
    assertThat(image.getHeight()).isEqualTo(6000);
    // Every band of the upper 4,000 pixels shows something; charts bring many colours.
    for (int top = 0; top < 4000; top += 500) {
      Set<Integer> colours = new HashSet<>();
      for (int y = top; y < top + 500; y++) {
        for (int x = 0; x < image.getWidth(); x++) {
          colours.add(image.getRGB(x, y));
        }
      }
      assertThat(colours).as("colours from %d px", top).hasSizeGreaterThan(20);
    }
  }

  private String chromium(Path log, String... flags) throws Exception {
    List<String> command = new ArrayList<>(List.of(CHROMIUM.toString(), "--headless"));
    command.addAll(
        List.of(
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--user-data-dir=" + directory.resolve("profile")));
    command.addAll(List.of(flags));
    command.add(report.toUri().toString());
    Path out = directory.resolve("out");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(log.toFile())
            .start();
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("Chromium ends").isTrue();
    } finally {
      process.destroyForcibly();
    }
    return Files.readString(out, StandardCharsets.UTF_8);
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }

  private static List<Double> figures(String html) {
    List<Double> figures = new ArrayList<>();
    Matcher data = DATA.matcher(html);
    while (data.find()) {
      figures.add(Double.parseDouble(data.group(1)));
    }
    return figures;
  }
}
