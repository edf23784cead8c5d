package dev.espalier.scheduler.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.scheduler.report.SweepResults.Base;
import dev.espalier.scheduler.report.SweepResults.CellResult;
import dev.espalier.scheduler.report.SweepResults.Conditions;
import dev.espalier.scheduler.report.SweepResults.Failure;
import dev.espalier.scheduler.report.SweepResults.Header;
import dev.espalier.scheduler.report.SweepResults.Sharing;
import dev.espalier.scheduler.report.SweepResults.Source;
import dev.espalier.scheduler.report.SweepResults.TrialResult;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class HtmlReportTest {

  private static final String HOSTILE =
      "</title><script>alert(1)</script><img src=x onerror='alert(2)'>\" & \u0000 \uD800 ' -->";

  @Test
  void isWellFormedXml() throws Exception {
    Document page = parse(HtmlReport.write(ReportFixture.results("A plain name")));

    assertThat(page.getElementsByTagName("svg").getLength()).isGreaterThan(15);
    assertThat(page.getElementsByTagName("h1").item(0).getTextContent()).isEqualTo("A plain name");
  }

  @Test
  void needsNothingFromElsewhere() {
    String page = HtmlReport.write(ReportFixture.results("A plain name"));

    assertThat(page.replace("xmlns=\"http://www.w3.org/2000/svg\"", ""))
        .doesNotContain("http://", "https://", "src=", "@import", "url(", "<script", "<link");
  }

  @Test
  void showsWhatPeopleWroteAsTextOnly() throws Exception {
    Document page = parse(HtmlReport.write(hostile()));

    assertThat(page.getElementsByTagName("script").getLength()).isZero();
    assertThat(page.getElementsByTagName("img").getLength()).isZero();
    assertThat(page.getElementsByTagName("h1").item(0).getTextContent())
        .startsWith("</title><script>alert(1)</script>");
    NodeList all = page.getElementsByTagName("*");
    for (int i = 0; i < all.getLength(); i++) {
      var attributes = all.item(i).getAttributes();
      for (int a = 0; a < attributes.getLength(); a++) {
        assertThat(attributes.item(a).getNodeName()).doesNotStartWith("on");
      }
    }
  }

  @Test
  void tableHoldsTheFiguresOfTheDocument() throws Exception {
    SweepResults results = ReportFixture.results("Figures");
    Document page = parse(HtmlReport.write(results));

    List<Element> rows = rows(page, "results");
    assertThat(rows).hasSize(results.cells().size() + 1);
    assertThat(values(rows.get(0))).containsExactly(681_610.0, 33_700_000.0, 0.8712, 1.84, 1412.0);
    for (int i = 0; i < results.cells().size(); i++) {
      CellResult cell = results.cells().get(i);
      Map<String, Statistic> m = cell.measurements();
      assertThat(values(rows.get(i + 1)))
          .containsExactly(
              m.get("params").mean(),
              m.get("macs").mean(),
              m.get("top1_before_recovery").mean(),
              m.get("top1_accuracy").mean(),
              m.get("top1_accuracy").mean() - 0.8712,
              m.get("latency_p50_ms").mean(),
              m.get("speedup_batch1").mean(),
              m.get("throughput_images_per_s").mean(),
              m.get("speedup_throughput").mean(),
              m.get("mask_max_abs_difference").max());
      assertThat(rows.get(i + 1).getTextContent())
          .contains(cell.method(), cell.redistribution(), Figures.ratio(cell.keepRatio()))
          .contains(Figures.percent(m.get("top1_accuracy").mean()));
    }
  }

  @Test
  void showsOnnxRuntimeBesidePyTorchWhereItWasMeasured() throws Exception {
    SweepResults results = ReportFixture.results("Runtimes");
    Document page = parse(HtmlReport.write(results));

    List<Element> rows = rows(page, "runtimes");
    assertThat(rows).hasSize(results.cells().size() + 1);
    assertThat(values(rows.get(0))).containsExactly(1.84, 1.15, 1.84 / 1.15, 1300.0);
    Map<String, Statistic> m = results.cells().get(0).measurements();
    assertThat(values(rows.get(1)))
        .containsExactly(
            m.get("latency_p50_ms").mean(),
            m.get("onnx_latency_p50_ms").mean(),
            m.get("latency_p50_ms").mean() / m.get("onnx_latency_p50_ms").mean(),
            m.get("onnx_speedup_batch1").mean(),
            m.get("onnx_throughput_images_per_s").mean(),
            m.get("onnx_speedup_throughput").mean(),
            m.get("onnx_max_abs_difference").max());
    assertThat(page.getDocumentElement().getTextContent()).contains("ONNX Runtime 1.22.0");

    SweepResults without =
        new SweepResults(
            results.sweep(),
            results.base(),
            List.of(),
            List.of(),
            List.of(),
            results.sharing(),
            results.conditions());
    assertThat(rows(parse(HtmlReport.write(without)), "runtimes")).isEmpty();
  }

  @Test
  void dimsAsManyPatchesAsBlocksDrop() throws Exception {
    SweepResults results = ReportFixture.results("Pictures");
    Document page = parse(HtmlReport.write(ResultsJson.read(ResultsJson.write(results))));

    List<String> dimmed = new ArrayList<>();
    NodeList paths = page.getElementsByTagName("path");
    for (int i = 0; i < paths.getLength(); i++) {
      Element path = (Element) paths.item(i);
      if (path.getAttribute("class").equals("dropped")) {
        int squares = path.getAttribute("d").split("z").length;
        dimmed.add(squares + " dimmed, " + path.getNextSibling().getTextContent());
      }
    }
    List<String> expected = new ArrayList<>();
    for (KeptPatches kept : results.keptPatches()) {
      for (int image = 0; image < kept.images().size(); image++) {
        for (KeptPatches.Stage stage : kept.stages()) {
          int left = stage.kept().get(image).size();
          expected.add("%d dimmed, block %d: %d of 49".formatted(49 - left, stage.block(), left));
        }
      }
    }
    assertThat(dimmed).isEqualTo(expected).hasSize(8);
  }

  @Test
  void writesPicturesThatImageLibrariesRead() throws Exception {
    byte[] pixels = {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, (byte) 200};
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(Png.of(pixels, 3, 2)));
    assertThat(image.getRGB(0, 0) & 0xffffff).isEqualTo(0x000a14);
    assertThat(image.getRGB(1, 1) & 0xffffff).isEqualTo(0x030dc8);
    BufferedImage grey =
        ImageIO.read(new ByteArrayInputStream(Png.of(new byte[] {0, 90, 7, -1}, 1, 2)));
    assertThat(grey.getRaster().getSample(1, 0, 0)).isEqualTo(90);
    assertThat(grey.getRaster().getSample(1, 1, 0)).isEqualTo(255);
  }

  @Test
  void pairsRedistributionSeedBySeed() throws Exception {
    SweepResults results = ReportFixture.results("Pairs");
    List<Element> rows = rows(parse(HtmlReport.write(results)), "redistribution");

    assertThat(rows).hasSize(6);
    CellResult on =
        results.cells().stream().filter(c -> c.redistribution().equals("smooth")).findFirst().get();
    CellResult off =
        results.cells().stream()
            .filter(c -> c.method().equals("nvit") && c.keepRatio() == on.keepRatio())
            .findFirst()
            .get();
    double expected =
        on.measurements().get("top1_accuracy").mean()
            - off.measurements().get("top1_accuracy").mean();
    assertThat(values(rows.get(0)).get(2)).isCloseTo(expected, within(1e-12));
  }

  @Test
  void drawsBothRecoveriesOfACombination() {
    SweepResults one = ReportFixture.results("Both");
    List<TrialResult> trials = new ArrayList<>();
    for (TrialResult trial : one.trials()) {
      trials.add(
          new TrialResult(
              trial.trialId(),
              trial.cellId(),
              trial.method(),
              trial.redistribution(),
              trial.targetKind(),
              trial.keepRatio(),
              trial.seed(),
              trial.state(),
              trial.stages(),
              trial.measurements(),
              trial.curve(),
              List.of(
                  new SweepResults.Recovery("a", "first", 0.75, trial.curve()),
                  new SweepResults.Recovery("b", "second", 0.5, trial.curve())),
              trial.pruned(),
              trial.redistributed(),
              trial.outputs(),
              trial.failure()));
    }
    String html =
        HtmlReport.write(
            new SweepResults(
                one.sweep(),
                one.base(),
                one.cells(),
                trials,
                one.stages(),
                one.sharing(),
                one.conditions()));

    assertThat(html).contains("after first 0.75").contains("after second 0.5");
    assertThat(HtmlReport.write(one)).doesNotContain(", after nvit");
  }

  @Test
  void everyTrialHasItsRowAndEveryFailureItsReason() throws Exception {
    Document page = parse(HtmlReport.write(ReportFixture.results("Trials")));

    assertThat(rows(page, "trials")).hasSize(36);
    assertThat(rows(page, "failures")).hasSize(1);
    assertThat(rows(page, "failures").get(0).getTextContent())
        .contains("NAN_LOSS", "NaN at step 412");
  }

  @Test
  void labelsOfAChartDoNotTouch() throws Exception {
    Document page = parse(HtmlReport.write(ReportFixture.results("Labels")));

    NodeList charts = page.getElementsByTagName("svg");
    int labels = 0;
    for (int c = 0; c < charts.getLength(); c++) {
      List<double[]> boxes = new ArrayList<>();
      NodeList texts = ((Element) charts.item(c)).getElementsByTagName("text");
      for (int t = 0; t < texts.getLength(); t++) {
        Element text = (Element) texts.item(t);
        String look = text.getAttribute("class");
        if (look.equals("point") || look.equals("linelabel")) {
          double x = Double.parseDouble(text.getAttribute("x"));
          double y = Double.parseDouble(text.getAttribute("y"));
          boxes.add(new double[] {x, y - 9, x + 5.5 * text.getTextContent().length(), y + 2});
          labels++;
        }
      }
      for (int i = 0; i < boxes.size(); i++) {
        for (int j = i + 1; j < boxes.size(); j++) {
          double[] a = boxes.get(i);
          double[] b = boxes.get(j);
          boolean meet = a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
          assertThat(meet).as("labels %d and %d of chart %d", i, j, c).isFalse();
        }
      }
    }
    assertThat(labels).isGreaterThan(20);
  }

  @Test
  void aSweepWithoutResultsIsAPageToo() throws Exception {
    SweepResults full = ReportFixture.results("Empty");
    SweepResults empty =
        new SweepResults(
            full.sweep(),
            new Base(null, Map.of()),
            List.of(),
            List.of(),
            List.of(),
            new Sharing(0, 0, 0, 0, 0),
            new Conditions(null, null, null, null, null, null, null, null, null, null));

    assertThat(parse(HtmlReport.write(empty)).getElementsByTagName("h1").getLength()).isEqualTo(1);
  }

  private static SweepResults hostile() {
    SweepResults full = ReportFixture.results(HOSTILE);
    Header sweep = full.sweep();
    List<CellResult> cells = new ArrayList<>();
    for (CellResult cell : full.cells()) {
      cells.add(
          new CellResult(
              cell.cellId(),
              HOSTILE + cell.method(),
              HOSTILE + cell.redistribution(),
              HOSTILE,
              cell.keepRatio(),
              cell.trials(),
              cell.succeeded(),
              cell.measurements()));
    }
    List<TrialResult> trials = new ArrayList<>();
    for (TrialResult trial : full.trials()) {
      trials.add(
          new TrialResult(
              HOSTILE,
              trial.cellId(),
              HOSTILE + trial.method(),
              HOSTILE,
              HOSTILE,
              trial.keepRatio(),
              trial.seed(),
              trial.state(),
              trial.stages(),
              trial.measurements(),
              trial.curve(),
              trial.recoveries(),
              trial.pruned(),
              trial.redistributed(),
              trial.outputs(),
              new Failure(HOSTILE, HOSTILE, HOSTILE)));
    }
    return new SweepResults(
        new Header(
            HOSTILE,
            HOSTILE,
            HOSTILE,
            HOSTILE,
            HOSTILE,
            1,
            new Source(HOSTILE, HOSTILE),
            new Source(HOSTILE, HOSTILE),
            sweep.submittedAt(),
            sweep.endedAt(),
            Map.of(HOSTILE, HOSTILE)),
        full.base(),
        cells,
        trials,
        full.stages(),
        full.sharing(),
        new Conditions(HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE, 1, 1, 1, 1, HOSTILE));
  }

  private static Document parse(String html) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    return factory.newDocumentBuilder().parse(new InputSource(new StringReader(html)));
  }

  /** The rows of a table's body. */
  private static List<Element> rows(Document page, String table) {
    NodeList tables = page.getElementsByTagName("table");
    List<Element> rows = new ArrayList<>();
    for (int t = 0; t < tables.getLength(); t++) {
      Element element = (Element) tables.item(t);
      if (element.getAttribute("id").equals(table)) {
        NodeList found = ((Element) element.getLastChild()).getElementsByTagName("tr");
        for (int i = 0; i < found.getLength(); i++) {
          rows.add((Element) found.item(i));
        }
      }
    }
    return rows;
  }

  /** What the {@code data} elements of a row stand for. */
  private static List<Double> values(Element row) {
    NodeList data = row.getElementsByTagName("data");
    List<Double> values = new ArrayList<>();
    for (int i = 0; i < data.getLength(); i++) {
      values.add(Double.parseDouble(((Element) data.item(i)).getAttribute("value")));
    }
    return values;
  }
}
