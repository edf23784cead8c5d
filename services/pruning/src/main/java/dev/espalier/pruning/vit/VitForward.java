package dev.espalier.pruning.vit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;

/**
 * The forward pass of a Vision Transformer (Dosovitskiy et al., ICLR 2021; DeiT's distillation
 * token: Touvron et al., ICML 2021), written to be read beside the papers. It is the reference that
 * the fast engine is tested against.
 *
 * <p>B images of C channels and side S, N patches, E prefix tokens, T = N + E tokens, d embedding;
 * per block H heads of query/key width q and value width v, MLP width M. All heads of a block have
 * equal widths, blocks may differ.
 *
 * <p>Results belong to the manager of {@code images}. Numbers enter as arrays of that manager,
 * never as Java numbers: {@code mul(Number)} frees memory that the backward pass still needs.
 */
public final class VitForward {

  /** Sees arrays on their way: {@code embedded}, {@code blocks.L.attention}, {@code blocks.L}. */
  @FunctionalInterface
  public interface Tap {
    void see(String name, NDArray value);
  }

  private static final Tap NOTHING = (name, value) -> {};

  private final VitModel model;
  private final Gates gates;
  private final Tap tap;

  private VitForward(VitModel model, Gates gates, Tap tap) {
    this.model = model;
    this.gates = gates;
    this.tap = tap;
  }

  /** Class scores, (B, classes), of images (B, C, S, S). */
  public static NDArray logits(VitModel model, NDArray images, Gates gates) {
    return new VitForward(model, gates, NOTHING).forward(images);
  }

  /** The same, with a look at what happens on the way. */
  public static NDArray logits(VitModel model, NDArray images, Gates gates, Tap tap) {
    return new VitForward(model, gates, tap).forward(images);
  }

  private NDArray forward(NDArray images) {
    VitArchitecture vit = model.architecture();
    NDArray x = embed(images); // (B, T, d)
    tap.see("embedded", x);
    for (int l = 0; l < vit.depth(); l++) {
      x = block(l, x); // (B, T, d)
      tap.see("blocks." + l, x);
    }
    x = norm("norm", x); // (B, T, d)
    NDArray scores = linear("head", x.get(":, 0")); // (B, classes)
    if (vit.prefixTokens() == 1) {
      return scores;
    }
    NDArray distilled = linear("head_dist", x.get(":, 1")); // (B, classes)
    return scores.add(distilled).mul(scalar(x, 0.5));
  }

  private NDArray embed(NDArray images) {
    VitArchitecture vit = model.architecture();
    long B = images.getShape().get(0);
    int d = vit.embedding();
    Shape stride = new Shape(vit.patchSize(), vit.patchSize());
    NDArray patches =
        Conv2d.conv2d(
                images,
                model.parameter("patch_embed.proj.weight"),
                model.parameter("patch_embed.proj.bias"),
                stride)
            .singletonOrThrow() // (B, d, S / patch, S / patch)
            .reshape(B, d, vit.patches())
            .transpose(0, 2, 1); // (B, N, d)
    Shape token = new Shape(B, 1, d);
    NDList tokens = new NDList(onStep(images, model.parameter("cls_token").broadcast(token)));
    if (vit.prefixTokens() == 2) {
      tokens.add(onStep(images, model.parameter("dist_token").broadcast(token)));
    }
    tokens.add(patches);
    NDArray x = NDArrays.concat(tokens, 1).add(model.parameter("pos_embed")); // (B, T, d)
    return gated(x, gates.embedding());
  }

  private NDArray block(int l, NDArray x) {
    String name = "blocks." + l + ".";
    BlockShape shape = model.architecture().blocks().get(l);
    Gates.Block gate = gates.block(l);
    if (shape.attention() != AttentionKind.SKIP) {
      NDArray mixed = attention(l, shape, gate, norm(name + "norm1", x)); // (B, T, d)
      x = x.add(gated(branch(mixed, gate, 0), gates.embedding()));
    }
    NDArray hidden = linear(name + "mlp.fc1", norm(name + "norm2", x)); // (B, T, M)
    hidden = Activation.gelu(gated(hidden, gate.mlp()));
    NDArray mapped = linear(name + "mlp.fc2", hidden); // (B, T, d)
    return x.add(gated(branch(mapped, gate, 1), gates.embedding()));
  }

  private NDArray attention(int l, BlockShape shape, Gates.Block gate, NDArray x) {
    if (shape.attention() != AttentionKind.MSA) {
      throw new UnsupportedOperationException(
          "block %d asks for %s attention".formatted(l, shape.attention()));
    }
    String name = "blocks." + l + ".attn.";
    long B = x.getShape().get(0);
    long T = x.getShape().get(1);
    int H = shape.heads();
    int q = shape.qkWidth();
    int v = shape.vWidth();
    NDList qkv =
        linear(name + "qkv", x).split(new long[] {(long) H * q, 2L * H * q}, 2); // (B, T, H * q|v)
    NDArray queries = qkv.get(0).reshape(B, T, H, q).transpose(0, 2, 1, 3); // (B, H, T, q)
    NDArray keys = qkv.get(1).reshape(B, T, H, q).transpose(0, 2, 3, 1); // (B, H, q, T)
    NDArray values = qkv.get(2).reshape(B, T, H, v).transpose(0, 2, 1, 3); // (B, H, T, v)
    queries = gated(queries, perHead(x, gate.qk(), H, q));
    values = gated(values, perHead(x, gate.v(), H, v));
    // The base model's scale, whatever is left of the query width.
    NDArray scale = scalar(x, 1 / Math.sqrt(model.architecture().scaleWidth()));
    NDArray weights = queries.mul(scale).matMul(keys).softmax(3); // (B, H, T, T)
    tap.see("blocks." + l + ".attention", weights);
    NDArray heads = gated(weights.matMul(values), perHead(x, gate.heads(), H, 1)); // (B, H, T, v)
    NDArray joined = heads.transpose(0, 2, 1, 3).reshape(B, T, (long) H * v); // (B, T, H * v)
    return linear(name + "proj", joined); // (B, T, d)
  }

  /** Layer norm over the last axis, over the kept channels where a mask says which. */
  private NDArray norm(String name, NDArray x) {
    NDArray gamma = model.parameter(name + ".weight");
    NDArray beta = model.parameter(name + ".bias");
    double epsilon = model.architecture().layerNormEpsilon();
    NDArray kept = gates.keptEmbedding();
    if (kept == null) {
      Shape channels = new Shape(model.architecture().embedding());
      return LayerNorm.layerNorm(x, channels, gamma, beta, (float) epsilon).singletonOrThrow();
    }
    NDArray share = scalar(x, 1).div(onStep(x, kept.sum())); // 1 / |kept|
    NDArray mean = x.mul(kept).sum(new int[] {2}, true).mul(share); // (B, T, 1)
    NDArray centred = x.sub(mean).mul(kept); // (B, T, d)
    NDArray variance = centred.mul(centred).sum(new int[] {2}, true).mul(share); // (B, T, 1)
    NDArray deviation = variance.add(scalar(x, epsilon)).sqrt(); // (B, T, 1)
    return centred.div(deviation).mul(gamma).add(beta).mul(kept); // (B, T, d)
  }

  private NDArray linear(String name, NDArray x) {
    return Linear.linear(x, model.parameter(name + ".weight"), model.parameter(name + ".bias"))
        .singletonOrThrow();
  }

  private static NDArray gated(NDArray x, NDArray gate) {
    return gate == null ? x : x.mul(gate);
  }

  private static NDArray branch(NDArray x, Gates.Block gate, int index) {
    return gate.branches() == null
        ? x
        : x.mul(onStep(x, gate.branches().get(String.valueOf(index))));
  }

  /** A gate (H, width) as (H, 1, width), ready for (B, H, T, width). */
  private static NDArray perHead(NDArray x, NDArray gate, int heads, int width) {
    return gate == null ? null : onStep(x, gate.reshape(heads, 1, width));
  }

  private static NDArray scalar(NDArray x, double value) {
    return x.getManager().full(new Shape(), (float) value);
  }

  /** Results go to the manager of their first operand; those of a parameter would stay for ever. */
  private static NDArray onStep(NDArray x, NDArray array) {
    NDManager step = x.getManager();
    if (array.getManager() != step) {
      array.attach(step);
    }
    return array;
  }
}
