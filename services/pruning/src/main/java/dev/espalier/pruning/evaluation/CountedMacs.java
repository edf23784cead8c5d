package dev.espalier.pruning.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
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
      String name = "blocks." + l + ".";
      long in = seen.get(name + "entered").get(1); // tokens that are keys
      long out = seen.get("blocks." + l).get(1); // tokens that go on
      macs += out * size(model, name + "mlp.fc1.weight");
      macs += out * size(model, name + "mlp.fc2.weight");
      Shape attention = seen.get(name + "attention"); // (1, H, Tout, Tin)
      if (attention != null) {
        Shape qkv = model.parameter(name + "attn.qkv.weight").getShape(); // (2Hq+Hv, reads)
        Shape proj = model.parameter(name + "attn.proj.weight").getShape(); // (writes, Hv)
        long values = proj.get(1); // H v
        long queries = (qkv.get(0) - values) / 2; // H q
        macs += qkv.get(1) * (in * (queries + values) + out * queries) + out * proj.size();
        macs += attention.get(2) * attention.get(3) * (queries + values);
      }
      Shape convolution = seen.get(name + "convolution"); // (1, e, side, side)
      if (convolution != null) {
        long places = convolution.get(2) * convolution.get(3);
        macs += places * size(model, name + "attn.conv.weight");
        macs += places * size(model, name + "attn.proj.weight");
      }
      Shape predictor = seen.get(name + "predictor"); // (1, patches, 2)
      if (predictor != null) {
        for (String layer : new String[] {"embed", "score1", "score2", "score3"}) {
          macs += predictor.get(1) * size(model, name + "predictor." + layer + ".weight");
        }
      }
    }
    macs += size(model, "head.weight");
    return prefixes == 2 ? macs + size(model, "head_dist.weight") : macs;
  }

  private static long size(VitModel model, String name) {
    return model.parameter(name).getShape().size();
  }
}
