package dev.espalier.architecture.plan;

import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.json.JsonException;
import dev.espalier.architecture.json.JsonObject;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.ShapeJson;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The JSON form of a {@link PruningPlan}: {@code format}, {@code base} as in {@code
 * architecture.json}, {@code embedding}, and per block {@code kept}, {@code attention}, {@code
 * heads} with their {@code qk} and {@code v}, {@code mlp}, and where something differs from the
 * base, {@code wiring} and {@code tokens} ({@link ShapeJson}). Predicted cost is derived and not
 * stored.
 */
public final class PlanJson {

  /** First member of the JSON form; readers refuse another. */
  public static final String FORMAT = "espalier.plan/1";

  private PlanJson() {}

  /** Canonical text. */
  public static String write(PruningPlan plan) {
    return Json.canonical(tree(plan));
  }

  /**
   * Reads {@link #write}, in any layout.
   *
   * @throws IllegalArgumentException for anything that is not a valid plan
   */
  public static PruningPlan read(String json) {
    JsonObject tree = Json.parseObject(json);
    if (!FORMAT.equals(tree.text("format"))) {
      throw new JsonException("format must be %s but is %s".formatted(FORMAT, tree.text("format")));
    }
    List<BlockPlan> blocks = new ArrayList<>();
    for (JsonObject block : tree.objects("blocks")) {
      List<HeadPlan> heads = new ArrayList<>();
      for (JsonObject head : block.objects("heads")) {
        heads.add(new HeadPlan(head.count("head"), head.counts("qk"), head.counts("v")));
      }
      blocks.add(
          new BlockPlan(
              block.flag("kept"),
              AttentionKind.of(block.text("attention")),
              heads,
              block.counts("mlp"),
              ShapeJson.wiring(block),
              ShapeJson.tokens(block)));
    }
    return new PruningPlan(
        VitArchitecture.fromTree(tree.object("base")), tree.counts("embedding"), blocks);
  }

  /** The form as a tree. */
  static Map<String, Object> tree(PruningPlan plan) {
    List<Object> blocks = new ArrayList<>();
    for (BlockPlan block : plan.blocks()) {
      List<Object> heads = new ArrayList<>();
      for (HeadPlan head : block.heads()) {
        Map<String, Object> kept = new LinkedHashMap<>();
        kept.put("head", head.head());
        kept.put("qk", head.qk());
        kept.put("v", head.v());
        heads.add(kept);
      }
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("kept", block.kept());
      entry.put("attention", block.attention().text());
      entry.put("heads", heads);
      entry.put("mlp", block.mlp());
      ShapeJson.put(entry, block.wiring(), block.tokens());
      blocks.add(entry);
    }
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("format", FORMAT);
    tree.put("base", plan.base().toTree());
    tree.put("embedding", plan.embedding());
    tree.put("blocks", blocks);
    return tree;
  }
}
