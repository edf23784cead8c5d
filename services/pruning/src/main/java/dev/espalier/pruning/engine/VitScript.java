package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenFlow;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.pruning.tensor.Precision;
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
 *   <li>{@code logits(images, p, g)}: (B, classes), without gradients
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
  private final boolean linearPatches;
  private final TokenFlow flow;

  /** Place of each gate in g; absent gates have none. */
  private final Map<String, Integer> gates = new HashMap<>();

  private final List<String> names;

  /** Whether what is no longer needed may be written over: not where a gradient will need it. */
  private boolean inPlace;

  private StringBuilder body;

  private VitScript(
      VitArchitecture vit, Precision precision, boolean linearPatches, List<String> gates) {
    this.vit = vit;
    this.precision = precision;
    this.linearPatches = linearPatches;
    this.flow = vit.flow();
    gates.forEach(name -> this.gates.put(name, this.gates.size()));
    this.names = new ArrayList<>(ParameterShapes.of(vit).keySet());
  }

  /**
   * All methods for that architecture.
   *
   * @param linearPatches whether patches are embedded by a matrix product in place of a
   *     convolution, whose gradients cuDNN adds up in no fixed order
   * @param gates names of the gates that are present, from {@link #list}
   */
  static String of(
      VitArchitecture vit, Precision precision, boolean linearPatches, List<String> gates) {
    return new VitScript(vit, precision, linearPatches, gates).methods() + OPTIMIZER;
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
      put(list, l + ".hidden", gate.hidden());
      put(list, l + ".attentionReads", gate.attentionReads());
      put(list, l + ".attentionWrites", gate.attentionWrites());
      put(list, l + ".mlpReads", gate.mlpReads());
      put(list, l + ".mlpWrites", gate.mlpWrites());
      put(list, l + ".tokens", gate.tokens());
      put(list, l + ".keys", gate.keys());
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
    return """
      def logits(self, images: Tensor, p: List[Tensor]%1$s) -> Tensor:
    %3$s    return scores
      def recorded(self, images: Tensor, p: List[Tensor]%1$s) -> Tensor:
    %4$s    return scores
      def loss(self, images: Tensor, labels: Tensor, teacher: Tensor, o: Tensor, p: List[Tensor]%1$s) -> Tuple[Tensor, Tensor]:
        scores = self.recorded(images, p%2$s)
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
        .formatted(types, arguments, forward(true), forward(false));
  }

  /** x (B, N, d): a linear map of each patch, which is what the convolution computes. */
  private void patches() {
    int side = vit.patchSize();
    int perRow = vit.imageSize() / side;
    String weight = p("patch_embed.proj.weight");
    String bias = p("patch_embed.proj.bias");
    if (linearPatches) {
      line(
          "x = torch.reshape(images, [b, %d, %d, %d, %d, %d])",
          vit.channels(), perRow, side, perRow, side);
      int values = vit.channels() * side * side;
      line("x = torch.reshape(torch.permute(x, [0, 2, 4, 1, 3, 5]), [b, -1, %d])", values);
      line("x = torch.linear(x, torch.reshape(%s, [-1, %d]), %s)", weight, values, bias);
    } else {
      line("x = torch.conv2d(images, %s, %s, [%d, %d])", weight, bias, side, side);
      line("x = torch.transpose(torch.flatten(x, 2), 1, 2)");
    }
  }

  private StringBuilder forward(boolean inPlace) {
    this.inPlace = inPlace;
    this.body = new StringBuilder();
    line("b = torch.size(images, 0)");
    patches();
    String tokens =
        token("cls_token") + (vit.prefixTokens() == 2 ? ", " + token("dist_token") : "");
    line("x = torch.add(torch.cat([%s, x], 1), %s)", tokens, p("pos_embed")); // (B, T, d)
    gate("x", "embedding", "%s");
    for (int l = 0; l < vit.depth(); l++) {
      block(l, vit.blocks().get(l));
    }
    // Only the prefix tokens are read, so only they are normalised.
    line("x = torch.slice(x, 1, 0, %d, 1)", vit.prefixTokens()); // (B, E, d)
    norm("norm", "y");
    line("scores = %s", linear32("head", "torch.select(y, 1, 0)")); // (B, classes)
    if (vit.prefixTokens() == 2) {
      line("other = %s", linear32("head_dist", "torch.select(y, 1, 1)")); // (B, classes)
      line("scores = torch.mul(torch.add(scores, other), 0.5)");
    }
    return body;
  }

  private String token(String name) {
    return "torch.expand(%s, [b, 1, %d])".formatted(p(name), vit.embedding());
  }

  private void block(int l, BlockShape shape) {
    String name = "blocks." + l + ".";
    TokenFlow.Block tokens = flow.blocks().get(l);
    Wiring wiring = shape.wiring();
    if (shape.tokens() instanceof TokenRule.Select select) {
      select(name + "predictor.", tokens.arriving() - vit.prefixTokens(), select.patches());
    } else if (!tokens.enter().isEmpty()) {
      line("x = torch.index_select(x, 1, %s)", indices(tokens.enter()));
    }
    boolean leaves = !tokens.leave().isEmpty();
    if (shape.attention() != AttentionKind.SKIP) {
      norm(name + "norm1", "y");
      gate("y", l + ".attentionReads", "%s");
      tokenGate(l, tokens.in());
      if (shape.attention() == AttentionKind.MSA) {
        read(wiring.attentionReads());
        attention(l, shape, tokens);
      } else {
        convolution(name + "attn.", shape);
      }
      if (leaves) {
        line("x = torch.index_select(x, 1, %s)", indices(tokens.leave()));
      }
      add(l, 0, "attentionWrites", wiring.attentionWrites(), tokens.out());
    } else if (leaves) {
      line("x = torch.index_select(x, 1, %s)", indices(tokens.leave()));
    }
    norm(name + "norm2", "y");
    gate("y", l + ".mlpReads", "%s");
    if (!leaves) {
      tokenGate(l, tokens.in());
    }
    read(wiring.mlpReads());
    line("y = %s", linear(name + "mlp.fc1", "y")); // (B, T, M)
    gate("y", l + ".mlp", cast("%s"));
    line(inPlace ? "y = torch.gelu_(y)" : "y = torch.gelu(y)");
    gate("y", l + ".hidden", cast("%s"));
    line("y = %s", linear(name + "mlp.fc2", "y")); // (B, T, d)
    add(l, 1, "mlpWrites", wiring.mlpWrites(), tokens.out());
  }

  /** The K patches that the predictor is surest to keep, in their order. */
  private void select(String name, int n, int K) {
    int E = vit.prefixTokens();
    int d = vit.embedding();
    line("prefix = torch.slice(x, 1, 0, %d, 1)", E);
    line("x = torch.slice(x, 1, %d, %d, 1)", E, n + E); // (B, N, d)
    norm(name + "norm", "y");
    line("y = torch.gelu(%s)", linear32(name + "embed", "y")); // (B, N, d)
    line("v = torch.slice(y, 2, 0, %d, 1)", d / 2); // (B, N, d / 2)
    line("y = torch.mean(torch.slice(y, 2, %d, %d, 1), [1], True)", d / 2, d); // (B, 1, d / 2)
    line("y = torch.cat([v, torch.expand(y, [b, %d, %d])], 2)", n, d / 2);
    line("y = torch.gelu(%s)", linear32(name + "score1", "y")); // (B, N, d / 2)
    line("y = torch.gelu(%s)", linear32(name + "score2", "y")); // (B, N, d / 4)
    line("y = torch.log_softmax(%s, 2)", linear32(name + "score3", "y")); // (B, N, 2)
    line("y = torch.sub(torch.select(y, 2, 0), torch.select(y, 2, 1))"); // (B, N), log odds
    line("best, order = torch.topk(y, %d, 1, True, True)", K); // (B, K)
    line("order, place = torch.sort(order, 1, False)");
    line("order = torch.expand(torch.unsqueeze(order, 2), [b, %d, %d])", K, d);
    line("x = torch.cat([prefix, torch.gather(x, 1, order)], 1)"); // (B, E + K, d)
  }

  /** y = what a narrowed linear reads of y. */
  private void read(List<Integer> channels) {
    if (!channels.isEmpty()) {
      line("y = torch.index_select(y, 2, %s)", indices(channels));
    }
  }

  private void tokenGate(int l, int tokens) {
    gate("y", l + ".tokens", "torch.reshape(%s, [-1, " + tokens + ", 1])");
  }

  private static String indices(List<Integer> places) {
    return "torch.tensor(%s, dtype=4, device=ops.prim.device(x), requires_grad=False)"
        .formatted(places);
  }

  /** x = x + y, with y back in float32, gated, and put where a narrowed linear writes. */
  private void add(int l, int branch, String writes, List<Integer> channels, int tokens) {
    if (precision == Precision.BF16) {
      line("y = torch.to(y, 6, False, False)");
    }
    if (!channels.isEmpty()) {
      line(
          "v = torch.zeros([b, %d, %d], dtype=6, device=ops.prim.device(x))",
          tokens, vit.embedding());
      line("y = torch.index_add(v, 2, %s, y, alpha=1)", indices(channels));
    }
    gate("y", l + "." + writes, "%s");
    gate("y", l + ".branches", "torch.select(%s, 0, " + branch + ")");
    gate("y", "embedding", "%s");
    line(inPlace ? "x = torch.add_(x, y)" : "x = torch.add(x, y)");
  }

  private void attention(int l, BlockShape shape, TokenFlow.Block tokens) {
    String name = "blocks." + l + ".attn.";
    int H = shape.heads();
    int q = shape.qkWidth();
    int v = shape.vWidth();
    line("y = %s", linear(name + "qkv", "y")); // (B, T, 2 * H * q + H * v)
    line("q, k, v = torch.split_with_sizes(y, [%d, %d, %d], 2)", H * q, H * q, H * v);
    if (!tokens.leave().isEmpty()) {
      line("q = torch.index_select(q, 1, %s)", indices(tokens.leave()));
    }
    heads("q", tokens.out(), H, q); // (B, H, Tout, q)
    heads("k", tokens.in(), H, q); // (B, H, T, q)
    heads("v", tokens.in(), H, v); // (B, H, T, v)
    headGate("q", l + ".qk", H, q);
    headGate("v", l + ".v", H, v);
    // The base model's scale, whatever is left of the query width.
    String scale = number(1 / Math.sqrt(vit.scaleWidth()));
    if (gates.containsKey(l + ".keys")) {
      line("y = torch.matmul(torch.mul(q, %s), torch.transpose(k, 2, 3))", scale); // (B, H, T, T)
      maskedSoftmax(l, tokens.in());
      line("y = torch.matmul(y, v)"); // (B, H, T, v)
    } else if (tokens.in() <= FEW_TOKENS) {
      line("y = torch.matmul(torch.mul(q, %s), torch.transpose(k, 2, 3))", scale); // (B, H, T, T)
      line("y = torch.matmul(torch.softmax(y, 3), v)"); // (B, H, T, v)
    } else {
      line(
          "y = torch.scaled_dot_product_attention(q, k, v, None, 0., False, scale=%s)",
          scale); // (B, H, T, v)
    }
    headGate("y", l + ".heads", H, 1);
    line("y = torch.reshape(torch.transpose(y, 1, 2), [b, %d, %d])", tokens.out(), H * v);
    line("y = %s", linear(name + "proj", "y")); // (B, T, d)
  }

  /** y = softmax of y over the kept keys, in float32; every token sees itself. */
  private void maskedSoftmax(int l, int tokens) {
    if (precision == Precision.BF16) {
      line("y = torch.to(y, 6, False, False)");
    }
    line("c = torch.eye(%d, dtype=6, device=ops.prim.device(x))", tokens);
    line("n = torch.reshape(g[%d], [-1, 1, 1, %d])", gates.get(l + ".keys"), tokens);
    line("c = torch.add(torch.mul(n, torch.sub(1., c)), c)"); // (B or 1, 1, T, T)
    line("y = torch.sub(y, torch.detach(torch.amax(y, [3], True)))");
    line("y = torch.mul(torch.exp(y), c)");
    line("y = torch.div(y, torch.sum(y, [3], True))");
    if (precision == Precision.BF16) {
      line("y = %s", cast("y"));
    }
  }

  /** A bottleneck over the grid in place of attention; prefix tokens get 0 from it. */
  private void convolution(String name, BlockShape shape) {
    int E = vit.prefixTokens();
    int d = vit.embedding();
    int side = vit.imageSize() / vit.patchSize();
    int pad = shape.attention().kernel() / 2;
    line("v = torch.transpose(torch.slice(y, 1, %d, %d, 1), 1, 2)", E, vit.tokens()); // (B, d, N)
    line("v = torch.reshape(v, [b, %d, %d, %d])", d, side, side);
    line(
        "v = torch.relu(torch.conv2d(%s, %s, %s, [1, 1], [%d, %d]))",
        cast("v"),
        cast(p(name + "conv.weight")),
        cast(p(name + "conv.bias")),
        pad,
        pad); // (B, e, side, side)
    line("v = %s", linear(name + "proj", "torch.transpose(torch.flatten(v, 2), 1, 2)"));
    line("y = torch.zeros([b, %d, %d], dtype=6, device=ops.prim.device(x))", E, d);
    line("y = torch.cat([%s, v], 1)", cast("y")); // (B, T, d)
  }

  private void heads(String array, int tokens, int heads, int width) {
    line(
        "%1$s = torch.transpose(torch.reshape(%1$s, [b, %2$d, %3$d, %4$d]), 1, 2)",
        array, tokens, heads, width);
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
