package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.pruning.vit.Gates;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Writes the forward pass and the loss of one architecture as TorchScript: what {@link
 * dev.espalier.pruning.vit.VitForward} computes, with fused attention and, in bfloat16, with linear
 * layers in that format between a float32 residual stream and float32 norms.
 *
 * <p>Methods of the program, with p the parameters in the order of {@link ParameterShapes} and g
 * the gates that are present, in the order of {@link #list}:
 *
 * <ul>
 *   <li>{@code logits(images, p, g)}: (B, classes)
 *   <li>{@code loss(images, labels, teacher, o, p, g)}: loss and logits; o holds smoothing, weight
 *       of the teacher and temperature
 *   <li>{@code clip(g, most)} and {@code adamw(p, g, m, v, t, o)}: the optimizer's, where g are
 *       gradients
 * </ul>
 *
 * <p>A program without gates takes no g.
 */
final class VitScript {

  /** Up to here two plain products beat the fused kernel on a processor (see RATIONALE.md). */
  static final int FEW_TOKENS = 64;

  private static final String OPTIMIZER =
      """
        def clip(self, g: List[Tensor], most: Tensor) -> Tensor:
          norm = torch.linalg_vector_norm(torch.stack(torch._foreach_norm(g, 2)), 2)
          if bool(torch.isfinite(norm)):
            limit = float(most)
            found = float(norm)
            if torch.__and__(torch.gt(limit, 0.), torch.gt(found, limit)):
              torch._foreach_mul_(g, torch.div(limit, torch.add(found, 1.0e-6)))
          return norm
        def adamw(self, p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], t: Tensor, o: Tensor) -> Tensor:
          steps = annotate(List[Tensor], [])
          for i in range(torch.len(p)):
            _0 = torch.append(steps, t)
          none = annotate(List[Tensor], [])
          torch._fused_adamw_(p, g, m, v, none, steps, lr=float(o[0]), beta1=float(o[1]), beta2=float(o[2]), weight_decay=float(o[3]), eps=float(o[4]), amsgrad=False, maximize=False)
          return t
      """;

  private final VitArchitecture vit;
  private final Precision precision;

  /** Place of each gate in g; absent gates have none. */
  private final Map<String, Integer> gates = new HashMap<>();

  private final List<String> names;
  private final StringBuilder body = new StringBuilder();

  private VitScript(VitArchitecture vit, Precision precision, List<String> gates) {
    this.vit = vit;
    this.precision = precision;
    gates.forEach(name -> this.gates.put(name, this.gates.size()));
    this.names = new ArrayList<>(ParameterShapes.of(vit).keySet());
  }

  /**
   * All methods for that architecture.
   *
   * @param gates names of the gates that are present, from {@link #list}
   */
  static String of(VitArchitecture vit, Precision precision, List<String> gates) {
    return new VitScript(vit, precision, gates).methods() + OPTIMIZER;
  }

  /** The gates that are present, by name. */
  static Map<String, NDArray> list(Gates gates) {
    Map<String, NDArray> list = new LinkedHashMap<>();
    put(list, "embedding", gates.embedding());
    put(list, "kept", gates.keptEmbedding());
    for (int l = 0; l < gates.blocks().size(); l++) {
      Gates.Block gate = gates.block(l);
      put(list, l + ".branches", gate.branches());
      put(list, l + ".heads", gate.heads());
      put(list, l + ".qk", gate.qk());
      put(list, l + ".v", gate.v());
      put(list, l + ".mlp", gate.mlp());
    }
    return list;
  }

  private static void put(Map<String, NDArray> list, String name, NDArray gate) {
    if (gate != null) {
      list.put(name, gate);
    }
  }

  private String methods() {
    String types = gates.isEmpty() ? "" : ", g: List[Tensor]";
    String arguments = gates.isEmpty() ? "" : ", g";
    forward();
    return """
      def logits(self, images: Tensor, p: List[Tensor]%1$s) -> Tensor:
    %3$s    return scores
      def loss(self, images: Tensor, labels: Tensor, teacher: Tensor, o: Tensor, p: List[Tensor]%1$s) -> Tuple[Tensor, Tensor]:
        scores = self.logits(images, p%2$s)
        loss = torch.cross_entropy_loss(scores, labels, None, 1, -100, float(o[0]))
        weight = float(o[1])
        if torch.gt(weight, 0.):
          heat = float(o[2])
          aim = torch.log_softmax(torch.div(teacher, heat), 1)
          own = torch.log_softmax(torch.div(scores, heat), 1)
          gap = torch.sum(torch.mul(torch.exp(aim), torch.sub(aim, own)))
          total = torch.add(loss, torch.mul(gap, torch.div(weight, torch.size(scores, 0))))
        else:
          total = loss
        return (total, torch.detach(scores))
    """
        .formatted(types, arguments, body);
  }

  private void forward() {
    int d = vit.embedding();
    line("b = torch.size(images, 0)");
    line(
        "x = torch.conv2d(images, %s, %s, [%d, %d])",
        p("patch_embed.proj.weight"),
        p("patch_embed.proj.bias"),
        vit.patchSize(),
        vit.patchSize()); // (B, d, S / patch, S / patch)
    line("x = torch.transpose(torch.flatten(x, 2), 1, 2)"); // (B, N, d)
    String tokens =
        token("cls_token") + (vit.prefixTokens() == 2 ? ", " + token("dist_token") : "");
    line("x = torch.add(torch.cat([%s, x], 1), %s)", tokens, p("pos_embed")); // (B, T, d)
    gate("x", "embedding", "%s");
    for (int l = 0; l < vit.depth(); l++) {
      block(l, vit.blocks().get(l), d);
    }
    // Only the prefix tokens are read, so only they are normalised.
    line("x = torch.slice(x, 1, 0, %d, 1)", vit.prefixTokens()); // (B, E, d)
    norm("norm", "y");
    line("scores = %s", linear32("head", "torch.select(y, 1, 0)")); // (B, classes)
    if (vit.prefixTokens() == 2) {
      line("other = %s", linear32("head_dist", "torch.select(y, 1, 1)")); // (B, classes)
      line("scores = torch.mul(torch.add(scores, other), 0.5)");
    }
  }

  private String token(String name) {
    return "torch.expand(%s, [b, 1, %d])".formatted(p(name), vit.embedding());
  }

  private void block(int l, BlockShape shape, int d) {
    String name = "blocks." + l + ".";
    if (shape.attention() != AttentionKind.SKIP) {
      norm(name + "norm1", "y");
      attention(l, shape);
      add(l, 0);
    }
    norm(name + "norm2", "y");
    line("y = %s", linear(name + "mlp.fc1", "y")); // (B, T, M)
    gate("y", l + ".mlp", cast("%s"));
    line("y = torch.gelu(y)");
    line("y = %s", linear(name + "mlp.fc2", "y")); // (B, T, d)
    add(l, 1);
  }

  /** x = x + y, with y back in float32 and gated. */
  private void add(int l, int branch) {
    if (precision == Precision.BF16) {
      line("y = torch.to(y, 6, False, False)");
    }
    gate("y", l + ".branches", "torch.select(%s, 0, " + branch + ")");
    gate("y", "embedding", "%s");
    line("x = torch.add(x, y)");
  }

  private void attention(int l, BlockShape shape) {
    if (shape.attention() != AttentionKind.MSA) {
      throw new UnsupportedOperationException(
          "block %d asks for %s attention".formatted(l, shape.attention()));
    }
    String name = "blocks." + l + ".attn.";
    int H = shape.heads();
    int q = shape.qkWidth();
    int v = shape.vWidth();
    line("y = %s", linear(name + "qkv", "y")); // (B, T, 2 * H * q + H * v)
    line("q, k, v = torch.split_with_sizes(y, [%d, %d, %d], 2)", H * q, H * q, H * v);
    heads("q", H, q); // (B, H, T, q)
    heads("k", H, q); // (B, H, T, q)
    heads("v", H, v); // (B, H, T, v)
    headGate("q", l + ".qk", H, q);
    headGate("v", l + ".v", H, v);
    // The base model's scale, whatever is left of the query width.
    String scale = number(1 / Math.sqrt(vit.scaleWidth()));
    if (vit.tokens() <= FEW_TOKENS) {
      line("y = torch.matmul(torch.mul(q, %s), torch.transpose(k, 2, 3))", scale); // (B, H, T, T)
      line("y = torch.matmul(torch.softmax(y, 3), v)"); // (B, H, T, v)
    } else {
      line(
          "y = torch.scaled_dot_product_attention(q, k, v, None, 0., False, scale=%s)",
          scale); // (B, H, T, v)
    }
    headGate("y", l + ".heads", H, 1);
    line("y = torch.reshape(torch.transpose(y, 1, 2), [b, %d, %d])", vit.tokens(), H * v);
    line("y = %s", linear(name + "proj", "y")); // (B, T, d)
  }

  private void heads(String array, int heads, int width) {
    line(
        "%1$s = torch.transpose(torch.reshape(%1$s, [b, %2$d, %3$d, %4$d]), 1, 2)",
        array, vit.tokens(), heads, width);
  }

  /** Multiplies an array by a gate that is present, seen through {@code view}. */
  private void gate(String array, String gate, String view) {
    if (gates.containsKey(gate)) {
      line("%1$s = torch.mul(%1$s, %2$s)", array, view.formatted("g[" + gates.get(gate) + "]"));
    }
  }

  private void headGate(String array, String gate, int heads, int width) {
    gate(array, gate, cast("torch.reshape(%s, [" + heads + ", 1, " + width + "])"));
  }

  /** {@code out} = layer norm of x, over the kept channels where there are gates. */
  private void norm(String name, String out) {
    String gamma = p(name + ".weight");
    String beta = p(name + ".bias");
    String epsilon = number(vit.layerNormEpsilon());
    if (!gates.containsKey("kept")) {
      line(
          "%s = torch.layer_norm(x, [%d], %s, %s, %s)", out, vit.embedding(), gamma, beta, epsilon);
      return;
    }
    String kept = "g[" + gates.get("kept") + "]";
    line("n = torch.sum(%s)", kept);
    line("c = torch.mul(x, %s)", kept);
    line("mean = torch.div(torch.sum(c, [2], True), n)"); // (B, T, 1)
    line("c = torch.sub(c, torch.mul(mean, %s))", kept); // (B, T, d)
    line("var = torch.div(torch.sum(torch.mul(c, c), [2], True), n)"); // (B, T, 1)
    line("c = torch.mul(c, torch.rsqrt(torch.add(var, %s)))", epsilon);
    line("%1$s = torch.addcmul(torch.mul(%3$s, %4$s), c, %2$s)", out, gamma, beta, kept);
  }

  private String linear(String name, String x) {
    return "torch.linear(%s, %s, %s)"
        .formatted(cast(x), cast(p(name + ".weight")), cast(p(name + ".bias")));
  }

  private String linear32(String name, String x) {
    return "torch.linear(%s, %s, %s)".formatted(x, p(name + ".weight"), p(name + ".bias"));
  }

  /** 15 and 6 are the library's numbers of bfloat16 and float32. */
  private String cast(String array) {
    return precision == Precision.FP32 ? array : "torch.to(%s, 15, False, False)".formatted(array);
  }

  private String p(String name) {
    return "p[" + names.indexOf(name) + "]";
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.17e", value);
  }

  private void line(String format, Object... arguments) {
    body.append("    ").append(format.formatted(arguments)).append('\n');
  }
}
