package dev.espalier.pruning.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.engine.GradientMode;
import dev.espalier.pruning.engine.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.HashMap;
import java.util.Map;

/**
 * Multiply-accumulates of one image, counted from the arrays of a real forward pass and the real
 * weights, with no look at the architecture's widths: a check on the formula and on the surgery at
 * once. Same convention: matrix products only, no softmax, norm, GELU or bias.
 */
public final class CountedMacs {

  private CountedMacs() {}

  /** Runs one black image through the reference forward and counts. */
  public static long of(TensorEngine tensors, VitModel model) {
    Map<String, Shape> seen = new HashMap<>();
    try (NDManager step = tensors.newManager();
        GradientMode off = GradientMode.off()) {
      int side = model.architecture().imageSize();
      NDArray image = step.zeros(new Shape(1, model.architecture().channels(), side, side));
      NDArray logits =
          VitForward.logits(
              model, image, Gates.NONE, (name, value) -> seen.put(name, value.getShape()));
      seen.put("logits", logits.getShape());
    }
    Shape embedded = seen.get("embedded"); // (1, T, d)
    long tokens = embedded.get(1);
    long prefixes = model.parameters().containsKey("dist_token") ? 2 : 1;
    long macs = (tokens - prefixes) * size(model, "patch_embed.proj.weight");
    for (int l = 0; seen.containsKey("blocks." + l); l++) {
      long width = seen.get("blocks." + l).get(1); // tokens of the block
      macs += width * size(model, "blocks." + l + ".mlp.fc1.weight");
      macs += width * size(model, "blocks." + l + ".mlp.fc2.weight");
      Shape attention = seen.get("blocks." + l + ".attention"); // (1, H, T, T)
      if (attention != null) {
        Shape qkv = model.parameter("blocks." + l + ".attn.qkv.weight").getShape(); // (2Hq+Hv, d)
        Shape proj = model.parameter("blocks." + l + ".attn.proj.weight").getShape(); // (d, Hv)
        macs += width * (qkv.size() + proj.size());
        long values = proj.get(1); // H v
        long queries = (qkv.get(0) - values) / 2; // H q
        macs += attention.get(2) * attention.get(3) * (queries + values);
      }
    }
    macs += size(model, "head.weight");
    return prefixes == 2 ? macs + size(model, "head_dist.weight") : macs;
  }

  private static long size(VitModel model, String name) {
    return model.parameter(name).getShape().size();
  }
}
