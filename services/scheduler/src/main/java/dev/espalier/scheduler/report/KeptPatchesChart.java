package dev.espalier.scheduler.report;

import dev.espalier.scheduler.report.SweepResults.CellResult;
import java.util.Base64;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Test images as the models see them: kept patches bright, dropped ones dimmed, block by block. */
final class KeptPatchesChart {

  /** Side of a picture on the page, pixels, and the room between two. */
  private static final int SIDE = 96;

  private static final int GAP = 10;
  private static final int CAPTION = 18;

  private KeptPatchesChart() {}

  /** A section for all configurations that drop tokens; nothing where none does. */
  static Markup draw(SweepResults results) {
    Markup page = new Markup();
    if (results.keptPatches().isEmpty()) {
      return page;
    }
    Map<String, CellResult> cells = new TreeMap<>();
    results.cells().forEach(cell -> cells.put(cell.cellId(), cell));
    page.raw("<h2>Which patches are kept</h2><p class=\"lead\">Test images of different classes: ")
        .raw("first whole, then after each block that drops tokens, with the dropped patches ")
        .raw("dimmed. Methods without a predictor keep the same places of every image. Of several ")
        .raw("seeds the first is shown.</p><div id=\"kept-patches\" class=\"card scroll\">");
    for (KeptPatches kept : results.keptPatches()) {
      CellResult cell = cells.get(kept.cellId());
      if (cell == null) {
        continue;
      }
      page.raw("<div><div class=\"cellhead\"><b>").text(HtmlReport.name(cell)).raw("</b><span>");
      page.text(HtmlReport.target(cell)).raw("</span></div>");
      for (int image = 0; image < kept.images().size(); image++) {
        row(page, kept, image);
      }
      page.raw("</div>");
    }
    return page.raw("</div>");
  }

  private static void row(Markup page, KeptPatches kept, int image) {
    KeptPatches.Picture picture = kept.images().get(image);
    byte[] pixels = Base64.getDecoder().decode(picture.pixels());
    String png = Base64.getEncoder().encodeToString(Png.of(pixels, kept.channels(), kept.side()));
    String id = "picture-" + kept.cellId() + "-" + image;
    int width = (1 + kept.stages().size()) * (SIDE + GAP);
    page.raw("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"patches\" role=\"img\"")
        .raw(" style=\"width:%spx;max-width:100%%;height:auto\"", width)
        .raw(" viewBox=\"0 0 %s %s\"><title>", width, SIDE + CAPTION)
        .text("Image of class " + picture.label() + ", whole and as its patches are dropped")
        .raw("</title><defs><image id=\"")
        .text(id)
        .raw("\" width=\"%s\" height=\"%s\" style=\"image-rendering:pixelated\"", SIDE, SIDE)
        .raw(" href=\"data:image/png;base64,")
        .raw(png)
        .raw("\"/></defs>");
    tile(page, id, 0, "class " + picture.label(), "");
    int patches = kept.grid() * kept.grid();
    for (int s = 0; s < kept.stages().size(); s++) {
      KeptPatches.Stage stage = kept.stages().get(s);
      Set<Integer> left = new HashSet<>(stage.kept().get(image));
      String caption = "block %d: %d of %d".formatted(stage.block(), left.size(), patches);
      tile(page, id, (s + 1) * (SIDE + GAP), caption, dropped(kept.grid(), left));
    }
    page.raw("</svg>");
  }

  private static void tile(Markup page, String id, int left, String caption, String dropped) {
    page.raw("<g transform=\"translate(%s 0)\"><use href=\"#", left).text(id).raw("\"/>");
    if (!dropped.isEmpty()) {
      page.raw("<path class=\"dropped\" shape-rendering=\"crispEdges\" fill=\"#777\"")
          .raw(" fill-opacity=\"0.82\" d=\"")
          .raw(dropped)
          .raw("\"/>");
    }
    page.raw("<text class=\"tick\" x=\"0\" y=\"%s\">", SIDE + CAPTION - 5)
        .text(caption)
        .raw("</text></g>");
  }

  /** One square for each patch that is gone. */
  private static String dropped(int grid, Set<Integer> left) {
    double patch = (double) SIDE / grid;
    StringBuilder path = new StringBuilder();
    for (int p = 0; p < grid * grid; p++) {
      if (!left.contains(p)) {
        String size = Look.px(patch);
        path.append(
            "M%s %sh%sv%sh-%sz"
                .formatted(Look.px(p % grid * patch), Look.px(p / grid * patch), size, size, size));
      }
    }
    return path.toString();
  }
}
