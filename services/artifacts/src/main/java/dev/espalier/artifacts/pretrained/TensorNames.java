package dev.espalier.artifacts.pretrained;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a checkpoint's tensor is called in timm, whichever library wrote it: timm itself,
 * transformers 4 (as checkpoints on its hub are) or transformers 5.
 */
final class TensorNames {

  /** A tensor's place under timm's names. */
  record Slot(String timm, Part part) {}

  /** Which rows of the timm tensor a checkpoint's tensor gives. */
  enum Part {
    WHOLE,
    QUERY,
    KEY,
    VALUE
  }

  private static final Pattern TIMM =
      Pattern.compile(
          "cls_token|dist_token|pos_embed|patch_embed\\.proj\\.(weight|bias)"
              + "|(norm|head|head_dist)\\.(weight|bias)"
              + "|blocks\\.\\d{1,5}\\.((norm1|norm2|attn\\.qkv|attn\\.proj|mlp\\.fc1|mlp\\.fc2)"
              + "\\.(weight|bias)|ls[12]\\.gamma)");

  private static final Pattern TRANSFORMERS_PREFIX = Pattern.compile("^(vit|deit)\\.");

  private static final Pattern TRANSFORMERS_BLOCK =
      Pattern.compile("(?:encoder\\.)?layers?\\.(\\d{1,5})\\.(.+)\\.(weight|bias)");

  private static final Map<String, String> TRANSFORMERS =
      Map.ofEntries(
          Map.entry("embeddings.cls_token", "cls_token"),
          Map.entry("embeddings.distillation_token", "dist_token"),
          Map.entry("embeddings.position_embeddings", "pos_embed"),
          Map.entry("embeddings.patch_embeddings.projection.weight", "patch_embed.proj.weight"),
          Map.entry("embeddings.patch_embeddings.projection.bias", "patch_embed.proj.bias"),
          Map.entry("layernorm.weight", "norm.weight"),
          Map.entry("layernorm.bias", "norm.bias"),
          Map.entry("classifier.weight", "head.weight"),
          Map.entry("classifier.bias", "head.bias"),
          Map.entry("cls_classifier.weight", "head.weight"),
          Map.entry("cls_classifier.bias", "head.bias"),
          Map.entry("distillation_classifier.weight", "head_dist.weight"),
          Map.entry("distillation_classifier.bias", "head_dist.bias"));

  private static final Map<String, Slot> TRANSFORMERS_LAYER =
      Map.ofEntries(
          Map.entry("layernorm_before", new Slot("norm1", Part.WHOLE)),
          Map.entry("layernorm_after", new Slot("norm2", Part.WHOLE)),
          Map.entry("attention.attention.query", new Slot("attn.qkv", Part.QUERY)),
          Map.entry("attention.attention.key", new Slot("attn.qkv", Part.KEY)),
          Map.entry("attention.attention.value", new Slot("attn.qkv", Part.VALUE)),
          Map.entry("attention.q_proj", new Slot("attn.qkv", Part.QUERY)),
          Map.entry("attention.k_proj", new Slot("attn.qkv", Part.KEY)),
          Map.entry("attention.v_proj", new Slot("attn.qkv", Part.VALUE)),
          Map.entry("attention.output.dense", new Slot("attn.proj", Part.WHOLE)),
          Map.entry("attention.o_proj", new Slot("attn.proj", Part.WHOLE)),
          Map.entry("intermediate.dense", new Slot("mlp.fc1", Part.WHOLE)),
          Map.entry("mlp.fc1", new Slot("mlp.fc1", Part.WHOLE)),
          Map.entry("output.dense", new Slot("mlp.fc2", Part.WHOLE)),
          Map.entry("mlp.fc2", new Slot("mlp.fc2", Part.WHOLE)));

  /** Tensors that take no part in classification. */
  private static final List<Pattern> UNUSED =
      List.of(
          Pattern.compile("(vit\\.|deit\\.)?pooler\\.dense\\.(weight|bias)"),
          Pattern.compile("(vit\\.|deit\\.)?embeddings\\.(mask_token|position_ids)"));

  private TensorNames() {}

  /** The tensor's place; empty where the plain ViT and DeiT have none. */
  static Optional<Slot> slot(String name) {
    if (TIMM.matcher(name).matches()) {
      return Optional.of(new Slot(name, Part.WHOLE));
    }
    String bare = TRANSFORMERS_PREFIX.matcher(name).replaceFirst("");
    String whole = TRANSFORMERS.get(bare);
    if (whole != null) {
      return Optional.of(new Slot(whole, Part.WHOLE));
    }
    Matcher block = TRANSFORMERS_BLOCK.matcher(bare);
    if (block.matches() && TRANSFORMERS_LAYER.containsKey(block.group(2))) {
      Slot layer = TRANSFORMERS_LAYER.get(block.group(2));
      return Optional.of(
          new Slot(
              "blocks.%d.%s.%s"
                  .formatted(Integer.parseInt(block.group(1)), layer.timm(), block.group(3)),
              layer.part()));
    }
    return Optional.empty();
  }

  /** Whether the tensor may be left out without changing what the model computes. */
  static boolean isUnused(String name) {
    return UNUSED.stream().anyMatch(pattern -> pattern.matcher(name).matches());
  }

  /** Whether the names are timm's own. */
  static boolean isTimm(String name) {
    return TIMM.matcher(name).matches();
  }
}
