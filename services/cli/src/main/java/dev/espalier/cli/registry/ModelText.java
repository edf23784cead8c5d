package dev.espalier.cli.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.cli.text.Table;
import dev.espalier.cli.text.Units;
import java.util.ArrayList;
import java.util.List;

/** A model as people read it. */
final class ModelText {

  private ModelText() {}

  static void notes(ObjectNode model, List<String> notes) {
    notes.forEach(model.putArray("notes")::add);
  }

  /**
   * @param model as the scheduler describes it, notes added
   */
  static List<String> lines(JsonNode model) {
    VitArchitecture vit = VitArchitecture.fromJson(model.path("architecture").toString());
    List<String> lines = new ArrayList<>();
    if (model.has("name")) {
      lines.add("name    " + model.path("name").asText());
    }
    lines.add("sha256  " + model.path("sha256").asText());
    lines.add("size    " + Units.bytes(model.path("sizeBytes").asLong()));
    lines.add("params  %,d".formatted(model.path("params").asLong()));
    lines.add("MACs    %,d for one image".formatted(model.path("macs").asLong()));
    lines.add(
        "images  %dx%dx%d in patches of %d, %d classes, %s"
            .formatted(
                vit.imageSize(),
                vit.imageSize(),
                vit.channels(),
                vit.patchSize(),
                vit.classes(),
                vit.prefixTokens() == 2 ? "class and distillation token" : "class token"));
    lines.add(
        "shape   embedding %d, %d blocks, layer-norm epsilon %s"
            .formatted(vit.embedding(), vit.depth(), vit.layerNormEpsilon()));
    Table table = new Table("block", "attention", "heads", "q, k", "v", "MLP");
    for (int l = 0; l < vit.depth(); l++) {
      BlockShape block = vit.blocks().get(l);
      table.row(
          String.valueOf(l),
          block.attention().text(),
          String.valueOf(block.heads()),
          String.valueOf(block.qkWidth()),
          String.valueOf(block.vWidth()),
          String.valueOf(block.mlpHidden()));
    }
    lines.addAll(table.lines());
    model.path("notes").forEach(note -> lines.add("note: " + note.asText()));
    return lines;
  }
}
