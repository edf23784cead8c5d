package dev.espalier.architecture.vit;

import dev.espalier.architecture.json.JsonException;
import dev.espalier.architecture.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON members that a block only has where it differs from a plain one: {@code wiring} with the
 * lists that are narrowed, and {@code tokens} with {@code enter}, {@code leave} or {@code select}.
 */
public final class ShapeJson {

  private ShapeJson() {}

  /** Adds both members to a block's tree, as far as they say something. */
  public static void put(Map<String, Object> block, Wiring wiring, TokenRule tokens) {
    if (!wiring.isAll()) {
      Map<String, Object> tree = new LinkedHashMap<>();
      wiring
          .byName()
          .forEach(
              (name, channels) -> {
                if (!channels.isEmpty()) {
                  tree.put(name, channels);
                }
              });
      block.put("wiring", tree);
    }
    if (tokens instanceof TokenRule.Enter some) {
      block.put("tokens", Map.of("enter", some.positions()));
    } else if (tokens instanceof TokenRule.Leave some) {
      block.put("tokens", Map.of("leave", some.positions()));
    } else if (tokens instanceof TokenRule.Select some) {
      block.put("tokens", Map.of("select", some.patches()));
    }
  }

  /** The wiring of a block's tree. */
  public static Wiring wiring(JsonObject block) {
    if (!block.has("wiring")) {
      return Wiring.ALL;
    }
    JsonObject tree = block.object("wiring");
    return new Wiring(
        channels(tree, "attentionReads"),
        channels(tree, "attentionWrites"),
        channels(tree, "mlpReads"),
        channels(tree, "mlpWrites"));
  }

  private static List<Integer> channels(JsonObject tree, String name) {
    return tree.has(name) ? tree.counts(name) : List.of();
  }

  /** The token rule of a block's tree. */
  public static TokenRule tokens(JsonObject block) {
    if (!block.has("tokens")) {
      return TokenRule.ALL;
    }
    JsonObject tree = block.object("tokens");
    if (tree.has("enter")) {
      return new TokenRule.Enter(tree.counts("enter"));
    }
    if (tree.has("leave")) {
      return new TokenRule.Leave(tree.counts("leave"));
    }
    if (tree.has("select")) {
      return new TokenRule.Select(tree.count("select"));
    }
    throw new JsonException("tokens must have enter, leave or select but has none of them");
  }
}
