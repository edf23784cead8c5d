package dev.espalier.pruning.vit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenFlow;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import java.util.List;

/**
 * The forward pass of a Vision Transformer (Dosovitskiy et al., ICLR 2021; DeiT's distillation
 * token: Touvron et al., ICML 2021), written to be read beside the papers. It is the reference that
 * the fast engine is tested against.
 *
 * <p>Tokens that a block drops are gathered out; {@link #masked} leaves them in and takes them out
 * of the attention instead, which gives the same class scores. A search that needs more than class
 * scores makes a forward pass of its own and walks it: {@link #embed}, {@link #block} for each
 * block, {@link #finish}, {@link #scores}.
 *
 * <p>B images of C channels and side S, N patches, E prefix tokens, T = N + E tokens, d embedding;
 * per block H heads of query/key width q and value width v, MLP width M. All heads of a block have
 * equal widths, blocks may differ.
 *
 * <p>Results belong to the manager of {@code images}. Numbers enter as arrays of that manager,
 * never as Java numbers: {@code mul(Number)} frees memory that the backward pass still needs.
 */
public final class VitForward {

  /**
   * Sees arrays on their way: {@code embedded}, {@code blocks.L.predictor} (B, N, 2), {@code
   * blocks.L.entered}, {@code blocks.L.attention}, {@code blocks.L.convolution}, {@code blocks.L}.
   */
  @FunctionalInterface
  public interface Tap {
    void see(String name, NDArray value);
  }

  /** What a search puts where a block mixes tokens. */
  @FunctionalInterface
  public interface Mixing {
    /**
     * Takes the place of a block's attention.
     *
     * @param y norm1's output, (B, T, d)
     * @return what the branch adds to the residual stream, (B, T, d)
     */
    NDArray mix(int l, NDArray y);
  }

  private static final Tap NOTHING = (name, value) -> {};

  private final VitModel model;
  private final Gates gates;
  private final Tap tap;
  private final boolean gathers;
  private final TokenFlow flow;

  /** 1 for tokens that are still there, (1 or B, T), while they are masked; null for all. */
  private NDArray present;

  /** A pass that gathers out what is dropped; for one batch. */
  public VitForward(VitModel model, Gates gates, Tap tap) {
    this(model, gates, tap, true);
  }

  private VitForward(VitModel model, Gates gates, Tap tap, boolean gathers) {
    this.model = model;
    this.gates = gates;
    this.tap = tap;
    this.gathers = gathers;
    this.flow = model.architecture().flow();
  }

  /** Class scores, (B, classes), of images (B, C, S, S). */
  public static NDArray logits(VitModel model, NDArray images, Gates gates) {
    return new VitForward(model, gates, NOTHING).forward(images);
  }

  /** The same, with a look at what happens on the way. */
  public static NDArray logits(VitModel model, NDArray images, Gates gates, Tap tap) {
    return new VitForward(model, gates, tap).forward(images);
  }

  /** The same class scores with dropped tokens masked, not gathered out. */
  public static NDArray masked(VitModel model, NDArray images, Gates gates) {
    return new VitForward(model, gates, NOTHING, false).forward(images);
  }

  private NDArray forward(NDArray images) {
    NDArray x = embed(images); // (B, T, d)
    for (int l = 0; l < model.architecture().depth(); l++) {
      x = block(l, x); // (B, Tout, d)
    }
    return scores(finish(x));
  }

  /** Tokens that enter the first block, (B, T, d). */
  public NDArray embed(NDArray images) {
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
    x = gated(x, gates.embedding());
    tap.see("embedded", x);
    return x;
  }

  /** The last layer norm, (B, T, d). */
  public NDArray finish(NDArray x) {
    return norm("norm", x);
  }

  /** Class scores, (B, classes), of normed tokens: the mean of both classifiers where two are. */
  public NDArray scores(NDArray x) {
    NDArray scores = linear("head", x.get(":, 0")); // (B, classes)
    if (model.architecture().prefixTokens() == 1) {
      return scores;
    }
    NDArray distilled = linear("head_dist", x.get(":, 1")); // (B, classes)
    return scores.add(distilled).mul(scalar(x, 0.5));
  }

  /** One encoder block: tokens (B, Tarriving, d) to (B, Tout, d). */
  public NDArray block(int l, NDArray x) {
    BlockShape shape = model.architecture().blocks().get(l);
    x = entered(l, shape, x); // (B, Tin, d)
    tap.see("blocks." + l + ".entered", x);
    NDArray keys = present == null ? gates.block(l).keys() : present;
    TokenFlow.Block tokens = flow.blocks().get(l);
    boolean leaves = gathers && !tokens.leave().isEmpty();
    NDArray chosen = leaves ? selection(x, tokens.leave(), tokens.in()) : null; // (Tout, Tin)
    x = encoded(l, x, chosen, keys, 0);
    if (!gathers && shape.tokens() instanceof TokenRule.Leave leave) {
      present = ones(x, leave.positions());
    }
    return x;
  }

  /**
   * One encoder block on all tokens that come, whatever its token rule.
   *
   * @param x (B, T, d)
   * @param keys what attention sees, see {@link #maskedSoftmax}; null for everything
   * @param epsilon of that softmax
   * @return (B, T, d)
   */
  public NDArray block(int l, NDArray x, NDArray keys, double epsilon) {
    return encoded(l, x, null, keys, epsilon);
  }

  /**
   * One encoder block with something else in the place of its attention; its token rule and wiring
   * are not looked at.
   *
   * @param x (B, T, d)
   * @return (B, T, d)
   */
  public NDArray block(int l, NDArray x, Mixing mixing) {
    return mlp(l, x.add(mixing.mix(l, norm("blocks." + l + ".norm1", x))), null);
  }

  private NDArray encoded(int l, NDArray x, NDArray chosen, NDArray keys, double epsilon) {
    String name = "blocks." + l + ".";
    BlockShape shape = model.architecture().blocks().get(l);
    Gates.Block gate = gates.block(l);
    Wiring wiring = shape.wiring();
    if (shape.attention() != AttentionKind.SKIP) {
      NDArray y = gated(norm(name + "norm1", x), gate.attentionReads()); // (B, Tin, d)
      y = tokenGated(y, gate.tokens());
      NDArray mixed =
          shape.attention() == AttentionKind.MSA
              ? attention(
                  l, shape, gate, narrowed(y, wiring.attentionReads()), chosen, keys, epsilon)
              : convolution(l, shape, y);
      mixed = gated(widened(mixed, wiring.attentionWrites()), gate.attentionWrites());
      x = chosen == null ? x : chosen.matMul(x); // (B, Tout, d)
      x = x.add(gated(branch(mixed, gate, 0), gates.embedding()));
    } else if (chosen != null) {
      x = chosen.matMul(x); // (B, Tout, d)
    }
    return mlp(l, x, chosen);
  }

  private NDArray mlp(int l, NDArray x, NDArray chosen) {
    String name = "blocks." + l + ".";
    Gates.Block gate = gates.block(l);
    Wiring wiring = model.architecture().blocks().get(l).wiring();
    NDArray y = gated(norm(name + "norm2", x), gate.mlpReads());
    y = narrowed(tokenGated(y, chosen == null ? gate.tokens() : null), wiring.mlpReads());
    NDArray hidden = linear(name + "mlp.fc1", y); // (B, Tout, M)
    hidden = gated(Activation.gelu(gated(hidden, gate.mlp())), gate.hidden());
    NDArray mapped = linear(name + "mlp.fc2", hidden); // (B, Tout, d)
    mapped = gated(widened(mapped, wiring.mlpWrites()), gate.mlpWrites());
    x = x.add(gated(branch(mapped, gate, 1), gates.embedding()));
    tap.see("blocks." + l, x);
    return x;
  }

  // ---- tokens ----

  /** What is left of the arriving tokens; while masking, all of them. */
  private NDArray entered(int l, BlockShape shape, NDArray x) {
    if (shape.tokens() instanceof TokenRule.Enter enter) {
      TokenFlow.Block tokens = flow.blocks().get(l);
      if (!gathers) {
        present = ones(x, enter.positions());
      } else if (!tokens.enter().isEmpty()) {
        return selection(x, tokens.enter(), tokens.arriving()).matMul(x); // (B, Tin, d)
      }
    } else if (shape.tokens() instanceof TokenRule.Select select) {
      return selected(l, select.patches(), x);
    }
    return x;
  }

  /** DynamicViT at inference: the K patches that the predictor is surest to keep. */
  private NDArray selected(int l, int K, NDArray x) {
    int E = model.architecture().prefixTokens();
    NDArray patches = x.get(":, " + E + ":"); // (B, N, d)
    NDArray here = present == null ? null : present.get(":, " + E + ":"); // (B or 1, N)
    NDArray kept = predictor(l, patches, here); // (B, N, 2)
    tap.see("blocks." + l + ".predictor", kept);
    NDArray scores = odds(kept); // (B, N)
    if (here != null) {
      scores = scores.add(here.sub(scalar(x, 1)).mul(scalar(x, 1e9))); // gone ones come last
    }
    NDArray best = scores.topK(K, 1, true, true).get(1); // (B, K)
    if (gathers) {
      NDArray order = best.sort(1).reshape(best.getShape().get(0), K, 1); // position order
      Shape wide = new Shape(order.getShape().get(0), K, x.getShape().get(2));
      NDArray left = patches.gather(order.broadcast(wide), 1); // (B, K, d)
      return NDArrays.concat(new NDList(x.get(":, :" + E), left), 1);
    }
    NDArray hot = best.oneHot(Math.toIntExact(scores.getShape().get(1)), DataType.FLOAT32);
    NDArray prefix = x.getManager().ones(new Shape(x.getShape().get(0), E));
    present = NDArrays.concat(new NDList(prefix, hot.sum(new int[] {1})), 1); // (B, T)
    return x;
  }

  /**
   * Log odds to be kept, (B, N), of log probabilities, (B, N, 2). They rank as the probabilities
   * do, but those of a sure predictor are 1 to rounding for many patches at once.
   */
  public static NDArray odds(NDArray kept) {
    return kept.get(":, :, 0").sub(kept.get(":, :, 1"));
  }

  /**
   * DynamicViT's predictor in front of a block ({@code methods/dynamicvit.md} §2): log
   * probabilities that a patch is kept and dropped, (B, N, 2).
   *
   * @param patches (B, N, d)
   * @param kept 1 or 0 for each patch, (B, N), may carry a gradient; null for all kept
   */
  public NDArray predictor(int l, NDArray patches, NDArray kept) {
    String name = "blocks." + l + ".predictor.";
    long N = patches.getShape().get(1);
    int half = model.architecture().embedding() / 2;
    NDArray z = linear(name + "embed", norm(name + "norm", patches));
    z = Activation.gelu(z); // (B, N, d)
    NDArray local = z.get(":, :, :" + half); // (B, N, d / 2)
    NDArray global = z.get(":, :, " + half + ":"); // (B, N, d / 2)
    if (kept == null) {
      global = global.sum(new int[] {1}, true).mul(scalar(z, 1.0 / N)); // (B, 1, d / 2)
    } else {
      NDArray weights = kept.reshape(-1, N, 1); // (B or 1, N, 1)
      NDArray count = weights.sum(new int[] {1}, true).add(scalar(z, 1e-6)); // (B or 1, 1, 1)
      global = global.mul(weights).sum(new int[] {1}, true).div(count); // (B, 1, d / 2)
    }
    NDArray u = NDArrays.concat(new NDList(local, global.broadcast(local.getShape())), 2);
    u = Activation.gelu(linear(name + "score1", u)); // (B, N, d / 2)
    u = Activation.gelu(linear(name + "score2", u)); // (B, N, d / 4)
    return linear(name + "score3", u).logSoftmax(2); // (B, N, 2)
  }

  // ---- mixing tokens ----

  private NDArray attention(
      int l,
      BlockShape shape,
      Gates.Block gate,
      NDArray x,
      NDArray chosen,
      NDArray keep,
      double epsilon) {
    String name = "blocks." + l + ".attn.";
    long B = x.getShape().get(0);
    long T = x.getShape().get(1);
    int H = shape.heads();
    int q = shape.qkWidth();
    int v = shape.vWidth();
    NDList qkv =
        linear(name + "qkv", x).split(new long[] {(long) H * q, 2L * H * q}, 2); // (B, T, H * q|v)
    NDArray asking = chosen == null ? qkv.get(0) : chosen.matMul(qkv.get(0)); // (B, Tout, H * q)
    long out = asking.getShape().get(1);
    NDArray queries = asking.reshape(B, out, H, q).transpose(0, 2, 1, 3); // (B, H, Tout, q)
    NDArray keys = qkv.get(1).reshape(B, T, H, q).transpose(0, 2, 3, 1); // (B, H, q, T)
    NDArray values = qkv.get(2).reshape(B, T, H, v).transpose(0, 2, 1, 3); // (B, H, T, v)
    queries = gated(queries, perHead(x, gate.qk(), H, q));
    values = gated(values, perHead(x, gate.v(), H, v));
    // The base model's scale, whatever is left of the query width.
    NDArray scale = scalar(x, 1 / Math.sqrt(model.architecture().scaleWidth()));
    NDArray logits = queries.mul(scale).matMul(keys); // (B, H, Tout, T)
    NDArray weights = keep == null ? logits.softmax(3) : maskedSoftmax(logits, keep, epsilon);
    tap.see("blocks." + l + ".attention", weights);
    NDArray heads =
        gated(weights.matMul(values), perHead(x, gate.heads(), H, 1)); // (B, H, Tout, v)
    NDArray joined = heads.transpose(0, 2, 1, 3).reshape(B, out, (long) H * v); // (B, Tout, H * v)
    return linear(name + "proj", joined); // (B, Tout, d)
  }

  /**
   * Softmax over the tokens that are kept ({@code methods/dynamicvit.md} §4): every token also sees
   * itself, kept or not, and a dropped key still gets a gradient.
   *
   * @param scores (B, H, T, T)
   * @param keep 1 for a kept key and 0 for a dropped one, (T) or (B, T)
   * @param epsilon keeps the sum from 0; 1e-6 in training, 0 gives exactly the kept tokens' softmax
   */
  public static NDArray maskedSoftmax(NDArray scores, NDArray keep, double epsilon) {
    long T = scores.getShape().get(3);
    NDArray self = scores.getManager().eye(Math.toIntExact(T)); // (T, T)
    NDArray others = scalar(scores, 1).sub(self);
    NDArray keys = onStep(scores, keep.reshape(-1, 1, 1, T)); // (B or 1, 1, 1, T)
    NDArray seen = keys.mul(others).add(self); // (B or 1, 1, T, T)
    NDArray largest = scores.max(new int[] {3}, true).stopGradient(); // (B, H, T, 1)
    NDArray powers = scores.sub(largest).exp().mul(seen); // (B, H, T, T)
    if (epsilon == 0) {
      return powers.div(powers.sum(new int[] {3}, true));
    }
    NDArray sum = powers.sum(new int[] {3}, true).add(scalar(scores, epsilon));
    return powers.add(scalar(scores, epsilon / T)).div(sum);
  }

  /** SPViT's bottleneck in place of attention; prefix tokens get 0 from it. */
  private NDArray convolution(int l, BlockShape shape, NDArray x) {
    VitArchitecture vit = model.architecture();
    String name = "blocks." + l + ".attn.";
    long B = x.getShape().get(0);
    int d = vit.embedding();
    int E = vit.prefixTokens();
    int side = vit.imageSize() / vit.patchSize();
    int pad = shape.attention().kernel() / 2;
    NDArray grid = x.get(":, " + E + ":").transpose(0, 2, 1).reshape(B, d, side, side);
    NDArray hidden =
        Conv2d.conv2d(
                grid,
                model.parameter(name + "conv.weight"),
                model.parameter(name + "conv.bias"),
                new Shape(1, 1),
                new Shape(pad, pad))
            .singletonOrThrow(); // (B, e, side, side)
    tap.see("blocks." + l + ".convolution", hidden);
    hidden = Activation.relu(hidden).reshape(B, shape.vWidth(), vit.patches()).transpose(0, 2, 1);
    NDArray mixed = linear(name + "proj", hidden); // (B, N, d)
    NDArray prefix = x.getManager().zeros(new Shape(B, E, d));
    return NDArrays.concat(new NDList(prefix, mixed), 1); // (B, T, d)
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

  /** Multiplies tokens (B, T, d) by a gate (T) or (B, T). */
  private static NDArray tokenGated(NDArray x, NDArray gate) {
    return gate == null ? x : x.mul(onStep(x, gate.reshape(-1, x.getShape().get(1), 1)));
  }

  /** The channels that a linear reads, (B, T, d) to (B, T, r). */
  private static NDArray narrowed(NDArray x, List<Integer> channels) {
    int d = Math.toIntExact(x.getShape().get(2));
    return channels.isEmpty() ? x : x.matMul(selection(x, channels, d).transpose());
  }

  /** Puts what a linear writes where it belongs, (B, T, w) to (B, T, d). */
  private NDArray widened(NDArray x, List<Integer> channels) {
    int d = model.architecture().embedding();
    return channels.isEmpty() ? x : x.matMul(selection(x, channels, d));
  }

  /** The matrix that picks those of {@code width} entries, (picked, width). */
  private static NDArray selection(NDArray x, List<Integer> picked, int width) {
    float[] matrix = new float[picked.size() * width];
    for (int i = 0; i < picked.size(); i++) {
      matrix[i * width + picked.get(i)] = 1;
    }
    return x.getManager().create(matrix, new Shape(picked.size(), width));
  }

  private NDArray ones(NDArray x, List<Integer> positions) {
    float[] ones = new float[model.architecture().tokens()];
    positions.forEach(position -> ones[position] = 1);
    return x.getManager().create(ones, new Shape(1, ones.length));
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
