package dev.espalier.architecture.weights;

import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.LinkedHashMap;
import java.util.Map;

/** Names and shapes of all parameters of an architecture, first to last. */
public final class ParameterShapes {

  private ParameterShapes() {}

  /**
   * Shapes by timm name. A block whose attention is SKIP has neither {@code norm1} nor {@code
   * attn}.
   */
  public static Map<String, int[]> of(VitArchitecture vit) {
    int d = vit.embedding();
    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("cls_token", new int[] {1, 1, d});
    if (vit.prefixTokens() == 2) {
      shapes.put("dist_token", new int[] {1, 1, d});
    }
    shapes.put("pos_embed", new int[] {1, vit.tokens(), d});
    shapes.put(
        "patch_embed.proj.weight", new int[] {d, vit.channels(), vit.patchSize(), vit.patchSize()});
    shapes.put("patch_embed.proj.bias", new int[] {d});
    for (int l = 0; l < vit.depth(); l++) {
      block(shapes, "blocks." + l + ".", vit.blocks().get(l), d);
    }
    norm(shapes, "norm", d);
    linear(shapes, "head", vit.classes(), d);
    if (vit.prefixTokens() == 2) {
      linear(shapes, "head_dist", vit.classes(), d);
    }
    return shapes;
  }

  private static void block(Map<String, int[]> shapes, String prefix, BlockShape block, int d) {
    if (block.attention() != AttentionKind.SKIP) {
      int qk = block.heads() * block.qkWidth();
      int v = block.heads() * block.vWidth();
      norm(shapes, prefix + "norm1", d);
      linear(shapes, prefix + "attn.qkv", 2 * qk + v, d);
      linear(shapes, prefix + "attn.proj", d, v);
    }
    norm(shapes, prefix + "norm2", d);
    linear(shapes, prefix + "mlp.fc1", block.mlpHidden(), d);
    linear(shapes, prefix + "mlp.fc2", d, block.mlpHidden());
  }

  private static void norm(Map<String, int[]> shapes, String name, int d) {
    shapes.put(name + ".weight", new int[] {d});
    shapes.put(name + ".bias", new int[] {d});
  }

  private static void linear(Map<String, int[]> shapes, String name, int out, int in) {
    shapes.put(name + ".weight", new int[] {out, in});
    shapes.put(name + ".bias", new int[] {out});
  }
}
