package dev.espalier.architecture.vit;

import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.json.JsonObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Shape of a pre-norm Vision Transformer: all that is needed, beside the weights, to run it. It is
 * what {@code architecture.json} holds.
 *
 * @param imageSize side of the square input, pixels
 * @param patchSize side of a patch, pixels; divides {@code imageSize}
 * @param channels 1 or 3
 * @param classes width of the classifier's output
 * @param prefixTokens 1 for a class token, 2 for class and distillation token (the logits are then
 *     the mean of both classifiers)
 * @param embedding residual width d, shared by all blocks
 * @param scaleWidth head width w that fixes the attention scale w^-0.5; it stays the base model's
 *     whatever is pruned ({@code methods/README.md} §5.3)
 * @param layerNormEpsilon epsilon of every layer norm
 * @param blocks encoder blocks, first to last
 */
public record VitArchitecture(
    int imageSize,
    int patchSize,
    int channels,
    int classes,
    int prefixTokens,
    int embedding,
    int scaleWidth,
    double layerNormEpsilon,
    List<BlockShape> blocks) {

  /** First member of the JSON form; readers refuse another. */
  public static final String FORMAT = "espalier.vit/1";

  public VitArchitecture {
    blocks = List.copyOf(blocks);
    want(imageSize >= 1, "imageSize", "at least 1", imageSize);
    want(
        patchSize >= 1 && imageSize % patchSize == 0,
        "patchSize",
        "a divisor of imageSize " + imageSize,
        patchSize);
    want(channels == 1 || channels == 3, "channels", "1 or 3", channels);
    want(classes >= 1, "classes", "at least 1", classes);
    want(prefixTokens == 1 || prefixTokens == 2, "prefixTokens", "1 or 2", prefixTokens);
    want(embedding >= 1, "embedding", "at least 1", embedding);
    want(scaleWidth >= 1, "scaleWidth", "at least 1", scaleWidth);
    want(
        layerNormEpsilon > 0 && layerNormEpsilon < 1,
        "layerNormEpsilon",
        "in (0, 1)",
        layerNormEpsilon);
    want(!blocks.isEmpty(), "blocks", "at least one", blocks);
    for (int l = 0; l < blocks.size(); l++) {
      check(l, blocks.get(l), embedding);
    }
    int side = imageSize / patchSize;
    TokenFlow.of(side * side + prefixTokens, prefixTokens, blocks);
  }

  private static void check(int l, BlockShape block, int embedding) {
    block
        .wiring()
        .byName()
        .forEach(
            (name, channels) -> {
              int last = channels.isEmpty() ? 0 : channels.get(channels.size() - 1);
              want(
                  last < embedding,
                  "blocks." + l + ".wiring." + name,
                  "within [0, " + embedding + ")",
                  last);
            });
    if (block.tokens() instanceof TokenRule.Select) {
      want(embedding % 4 == 0, "embedding", "a multiple of 4 to select tokens", embedding);
    }
  }

  /**
   * A model as papers give them: equal blocks, head width d / H, epsilon 1e-6, one class token.
   *
   * @param mlpHidden hidden width of the MLPs, usually 4 d
   */
  public static VitArchitecture uniform(
      int imageSize,
      int patchSize,
      int channels,
      int classes,
      int embedding,
      int depth,
      int heads,
      int mlpHidden) {
    want(
        heads >= 1 && embedding % heads == 0,
        "heads",
        "a divisor of embedding " + embedding,
        heads);
    int width = embedding / heads;
    return new VitArchitecture(
        imageSize,
        patchSize,
        channels,
        classes,
        1,
        embedding,
        width,
        1e-6,
        Collections.nCopies(depth, BlockShape.msa(heads, width, width, mlpHidden)));
  }

  /** Patches of one image, N. */
  public int patches() {
    int side = imageSize / patchSize;
    return side * side;
  }

  /** Tokens that enter the first block, N + E. */
  public int tokens() {
    return patches() + prefixTokens;
  }

  /** Length of a flattened patch, P. */
  public int patchVector() {
    return channels * patchSize * patchSize;
  }

  public int depth() {
    return blocks.size();
  }

  /** How many tokens go through each block. */
  public TokenFlow flow() {
    return TokenFlow.of(tokens(), prefixTokens, blocks);
  }

  /** The same model with other widths: embedding and blocks replaced, the rest kept. */
  public VitArchitecture withWidths(int embedding, List<BlockShape> blocks) {
    return new VitArchitecture(
        imageSize,
        patchSize,
        channels,
        classes,
        prefixTokens,
        embedding,
        scaleWidth,
        layerNormEpsilon,
        blocks);
  }

  /** The JSON form as a tree, members in the order in which people read them. */
  public Map<String, Object> toTree() {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("format", FORMAT);
    tree.put("imageSize", imageSize);
    tree.put("patchSize", patchSize);
    tree.put("channels", channels);
    tree.put("classes", classes);
    tree.put("prefixTokens", prefixTokens);
    tree.put("embedding", embedding);
    tree.put("scaleWidth", scaleWidth);
    tree.put("layerNormEpsilon", layerNormEpsilon);
    List<Object> shapes = new ArrayList<>();
    for (BlockShape block : blocks) {
      Map<String, Object> shape = new LinkedHashMap<>();
      shape.put("attention", block.attention().text());
      shape.put("heads", block.heads());
      shape.put("qkWidth", block.qkWidth());
      shape.put("vWidth", block.vWidth());
      shape.put("mlpHidden", block.mlpHidden());
      ShapeJson.put(shape, block.wiring(), block.tokens());
      shapes.add(shape);
    }
    tree.put("blocks", shapes);
    return tree;
  }

  /** Canonical JSON. */
  public String toJson() {
    return Json.canonical(toTree());
  }

  /**
   * Reads {@link #toJson()}, in any layout.
   *
   * @throws IllegalArgumentException naming the member that is missing, mistyped or out of range
   */
  public static VitArchitecture fromJson(String json) {
    return fromTree(Json.parseObject(json));
  }

  /** Reads {@link #toTree()}. */
  public static VitArchitecture fromTree(JsonObject tree) {
    want(FORMAT.equals(tree.text("format")), "format", FORMAT, tree.text("format"));
    List<BlockShape> blocks = new ArrayList<>();
    for (JsonObject block : tree.objects("blocks")) {
      blocks.add(
          new BlockShape(
              AttentionKind.of(block.text("attention")),
              block.count("heads"),
              block.count("qkWidth"),
              block.count("vWidth"),
              block.count("mlpHidden"),
              ShapeJson.wiring(block),
              ShapeJson.tokens(block)));
    }
    return new VitArchitecture(
        tree.count("imageSize"),
        tree.count("patchSize"),
        tree.count("channels"),
        tree.count("classes"),
        tree.count("prefixTokens"),
        tree.count("embedding"),
        tree.count("scaleWidth"),
        tree.number("layerNormEpsilon"),
        blocks);
  }

  private static void want(boolean holds, String name, String expected, Object found) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s must be %s but is %s".formatted(name, expected, found));
    }
  }
}
