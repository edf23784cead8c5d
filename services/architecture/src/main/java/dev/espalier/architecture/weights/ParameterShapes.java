package dev.espalier.architecture.weights;

import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
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
    Wiring wiring = block.wiring();
    if (block.tokens() instanceof TokenRule.Select) {
      norm(shapes, prefix + "predictor.norm", d);
      linear(shapes, prefix + "predictor.embed", d, d);
      linear(shapes, prefix + "predictor.score1", d / 2, d);
      linear(shapes, prefix + "predictor.score2", d / 4, d / 2);
      linear(shapes, prefix + "predictor.score3", 2, d / 4);
    }
    if (block.attention() == AttentionKind.MSA) {
      int qk = block.heads() * block.qkWidth();
      int v = block.heads() * block.vWidth();
      norm(shapes, prefix + "norm1", d);
      linear(shapes, prefix + "attn.qkv", 2 * qk + v, Wiring.width(wiring.attentionReads(), d));
      linear(shapes, prefix + "attn.proj", Wiring.width(wiring.attentionWrites(), d), v);
    } else if (block.attention().isConvolution()) {
      int kernel = block.attention().kernel();
      norm(shapes, prefix + "norm1", d);
      shapes.put(prefix + "attn.conv.weight", new int[] {block.vWidth(), d, kernel, kernel});
      shapes.put(prefix + "attn.conv.bias", new int[] {block.vWidth()});
      linear(shapes, prefix + "attn.proj", d, block.vWidth());
    }
    norm(shapes, prefix + "norm2", d);
    linear(shapes, prefix + "mlp.fc1", block.mlpHidden(), Wiring.width(wiring.mlpReads(), d));
    linear(shapes, prefix + "mlp.fc2", Wiring.width(wiring.mlpWrites(), d), block.mlpHidden());
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
