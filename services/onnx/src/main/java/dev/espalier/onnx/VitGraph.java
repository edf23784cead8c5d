package dev.espalier.onnx;

import static dev.espalier.onnx.GraphWriter.attribute;
import static dev.espalier.onnx.GraphWriter.list;

import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenFlow;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.onnx.proto.GraphProto;
import java.util.ArrayList;
import java.util.List;

/**
 * The forward pass of one model as an ONNX graph in standard operators: what {@code VitForward}
 * computes without gates, each step after the one there. Values are named for the place in the
 * model, so that a viewer shows {@code blocks.3.attn.scores} rather than numbers.
 *
 * <p>B images of C channels and side S, N patches, E prefix tokens, T = N + E tokens, d embedding;
 * per block H heads of query/key width q and value width v, MLP width M.
 */
final class VitGraph {

  private final VitWeights model;
  private final VitArchitecture vit;
  private final TokenFlow flow;
  private final Layers layers;
  private final GraphWriter graph;

  private VitGraph(VitWeights model) {
    this.model = model;
    this.vit = model.architecture();
    this.flow = vit.flow();
    this.graph = new GraphWriter("vit");
    this.layers = new Layers(model, graph);
  }

  /** Class scores (B, classes) under {@code output} of images (B, C, S, S) under {@code input}. */
  static GraphProto of(VitWeights model, String input, String output) {
    return new VitGraph(model).write(input, output);
  }

  private GraphProto write(String input, String output) {
    String batch = "batch";
    int S = vit.imageSize();
    String images = graph.input(input, batch, vit.channels(), S, S);
    String x = embed(images); // (B, T, d)
    for (int l = 0; l < vit.depth(); l++) {
      x = block(l, vit.blocks().get(l), x); // (B, Tout, d)
    }
    classify(x, output);
    graph.output(output, batch, vit.classes());
    return graph.build();
  }

  /** Tokens that enter the first block, (B, T, d). */
  private String embed(String images) {
    int d = vit.embedding();
    int E = vit.prefixTokens();
    int N = vit.patches();
    String grid =
        graph.node(
            "Conv",
            "patch_embed.grid",
            List.of(
                images,
                layers.parameter("patch_embed.proj.weight"),
                layers.parameter("patch_embed.proj.bias")),
            list("strides", vit.patchSize(), vit.patchSize())); // (B, d, S / patch, S / patch)
    String patches = layers.transposed("patch_embed.patches", layers.flat("patch_embed", grid, d));
    float[] positions = model.tensor("pos_embed").values(); // (1, T, d)
    float[] prefix = new float[E * d];
    for (int i = 0; i < E; i++) {
      float[] token = model.tensor(i == 0 ? "cls_token" : "dist_token").values(); // (1, 1, d)
      for (int j = 0; j < d; j++) {
        prefix[i * d + j] = token[j] + positions[i * d + j];
      }
    }
    float[] grown = new float[N * d];
    System.arraycopy(positions, E * d, grown, 0, N * d);
    patches =
        graph.node(
            "Add",
            "patch_embed.positioned",
            List.of(patches, graph.weights("pos_embed.patches", grown, 1, N, d))); // (B, N, d)
    String B =
        graph.node("Shape", "batch", List.of(images), attribute("start", 0), attribute("end", 1));
    String shape =
        graph.node(
            "Concat",
            "prefix.shape",
            List.of(B, graph.numbers("prefix.sizes", E, d)),
            attribute("axis", 0));
    String tokens =
        graph.node(
            "Expand",
            "prefix",
            List.of(graph.weights("prefix.embedded", prefix, 1, E, d), shape)); // (B, E, d)
    return graph.node("Concat", "embedded", List.of(tokens, patches), attribute("axis", 1));
  }

  private String block(int l, BlockShape shape, String x) {
    String name = "blocks." + l;
    TokenFlow.Block tokens = flow.blocks().get(l);
    if (shape.tokens() instanceof TokenRule.Select select) {
      x = select(name + ".predictor", x, tokens.arriving() - vit.prefixTokens(), select.patches());
    } else if (!tokens.enter().isEmpty()) {
      x = gather(name + ".entered", x, tokens.enter(), 1); // (B, Tin, d)
    }
    String leaves = tokens.leave().isEmpty() ? null : name + ".leave";
    if (leaves != null) {
      graph.indices(leaves, tokens.leave());
    }
    if (shape.attention() != AttentionKind.SKIP) {
      String y = layers.norm(name + ".norm1", x); // (B, Tin, d)
      y =
          shape.attention() == AttentionKind.MSA
              ? attention(name + ".attn", shape, tokens, y, leaves)
              : convolution(name + ".attn", shape, y);
      x = left(name + ".left", x, leaves); // (B, Tout, d)
      x = graph.node("Add", name + ".mixed", List.of(x, y));
    } else {
      x = left(name + ".left", x, leaves);
    }
    Wiring wiring = shape.wiring();
    String y = layers.norm(name + ".norm2", x); // (B, Tout, d)
    y = read(name + ".mlp.read", y, wiring.mlpReads());
    y = layers.linear(name + ".mlp.fc1", y); // (B, Tout, M)
    y = graph.node("Gelu", name + ".mlp.gelu", List.of(y));
    y = write(name + ".mlp.fc2", y, wiring.mlpWrites()); // (B, Tout, d)
    return graph.node("Add", name, List.of(x, y));
  }

  private String left(String name, String x, String leaves) {
    return leaves == null
        ? x
        : graph.node("Gather", name, List.of(x, leaves), attribute("axis", 1));
  }

  /** DynamicViT: the K patches that the predictor is surest to keep, in their order. */
  private String select(String name, String x, int N, int K) {
    int E = vit.prefixTokens();
    int half = vit.embedding() / 2;
    String prefix = layers.slice(name + ".prefix", x, 0, E, 1); // (B, E, d)
    String patches = layers.slice(name + ".patches", x, E, E + N, 1); // (B, N, d)
    String z = layers.linear(name + ".embed", layers.norm(name + ".norm", patches));
    z = graph.node("Gelu", name + ".embedded", List.of(z)); // (B, N, d)
    String local = layers.slice(name + ".local", z, 0, half, 2); // (B, N, d / 2)
    String global = layers.slice(name + ".global", z, half, 2 * half, 2); // (B, N, d / 2)
    String mean =
        graph.node(
            "ReduceMean",
            name + ".mean",
            List.of(global, graph.numbers(name + ".mean.axes", 1)),
            attribute("keepdims", 1)); // (B, 1, d / 2)
    String size = graph.node("Shape", name + ".size", List.of(local));
    mean = graph.node("Expand", name + ".spread", List.of(mean, size)); // (B, N, d / 2)
    String u = graph.node("Concat", name + ".u", List.of(local, mean), attribute("axis", 2));
    for (String part : List.of(".score1", ".score2")) {
      u = graph.node("Gelu", name + part + ".gelu", List.of(layers.linear(name + part, u)));
    }
    u = layers.linear(name + ".score3", u); // (B, N, 2)
    u = graph.node("LogSoftmax", name + ".decision", List.of(u), attribute("axis", 2));
    String odds =
        graph.node(
            "Sub",
            name + ".odds",
            List.of(layers.at(name + ".kept", u, 0, 2), layers.at(name + ".dropped", u, 1, 2)));
    String count = graph.numbers(name + ".count", K);
    String best =
        graph
            .nodes(
                "TopK",
                List.of(name + ".best", name + ".best.places"),
                List.of(odds, count), // (B, N)
                attribute("axis", 1))
            .get(1); // (B, K)
    String order =
        graph
            .nodes(
                "TopK",
                List.of(name + ".order", name + ".order.places"),
                List.of(best, count),
                attribute("axis", 1),
                attribute("largest", 0))
            .get(0); // (B, K), ascending
    order =
        graph.node(
            "Unsqueeze",
            name + ".order.column",
            List.of(order, graph.numbers(name + ".order.axes", 2))); // (B, K, 1)
    String selected =
        graph.node(
            "GatherND",
            name + ".selected",
            List.of(patches, order),
            attribute("batch_dims", 1)); // (B, K, d)
    return graph.node("Concat", name + ".entered", List.of(prefix, selected), attribute("axis", 1));
  }

  private String attention(
      String name, BlockShape shape, TokenFlow.Block tokens, String y, String leaves) {
    int H = shape.heads();
    int q = shape.qkWidth();
    int v = shape.vWidth();
    y = read(name + ".read", y, shape.wiring().attentionReads());
    y = layers.linear(name + ".qkv", y); // (B, Tin, 2 * H * q + H * v)
    List<String> qkv =
        graph.nodes(
            "Split",
            List.of(name + ".q", name + ".k", name + ".v"),
            List.of(y, graph.numbers(name + ".widths", H * q, H * q, H * v)),
            attribute("axis", 2));
    String asking = left(name + ".q.left", qkv.get(0), leaves); // (B, Tout, H * q)
    String queries = layers.heads(name + ".q", asking, tokens.out(), H, q, 0, 2, 1, 3);
    String keys = layers.heads(name + ".k", qkv.get(1), tokens.in(), H, q, 0, 2, 3, 1);
    String values = layers.heads(name + ".v", qkv.get(2), tokens.in(), H, v, 0, 2, 1, 3);
    // The base model's scale, whatever is left of the query width.
    float scale = (float) (1 / Math.sqrt(vit.scaleWidth()));
    queries =
        graph.node(
            "Mul",
            name + ".q.scaled",
            List.of(queries, graph.weights(name + ".scale", new float[] {scale})));
    String scores = graph.node("MatMul", name + ".scores", List.of(queries, keys));
    String weights =
        graph.node("Softmax", name + ".weights", List.of(scores), attribute("axis", 3));
    String heads = graph.node("MatMul", name + ".heads", List.of(weights, values));
    heads = graph.node("Transpose", name + ".tokens", List.of(heads), list("perm", 0, 2, 1, 3));
    String joined =
        layers.reshaped(name + ".joined", heads, 0, tokens.out(), (long) H * v); // (B, Tout, H * v)
    return write(name + ".proj", joined, shape.wiring().attentionWrites()); // (B, Tout, d)
  }

  /** SPViT's bottleneck in place of attention; prefix tokens get 0 from it. */
  private String convolution(String name, BlockShape shape, String y) {
    int d = vit.embedding();
    int E = vit.prefixTokens();
    int side = vit.imageSize() / vit.patchSize();
    int pad = shape.attention().kernel() / 2;
    String patches = layers.slice(name + ".patches", y, E, E + vit.patches(), 1); // (B, N, d)
    String rows = layers.transposed(name + ".channels", patches); // (B, d, N)
    String grid = layers.reshaped(name + ".grid", rows, 0, d, side, side);
    String hidden =
        graph.node(
            "Conv",
            name + ".conv",
            List.of(
                grid,
                layers.parameter(name + ".conv.weight"),
                layers.parameter(name + ".conv.bias")),
            list("pads", pad, pad, pad, pad)); // (B, e, side, side)
    hidden = graph.node("Relu", name + ".relu", List.of(hidden));
    hidden = layers.flat(name + ".hidden", hidden, shape.vWidth()); // (B, e, N)
    String mixed =
        layers.linear(name + ".proj", layers.transposed(name + ".hidden.tokens", hidden));
    return graph.node(
        "Pad",
        name + ".padded",
        List.of(mixed, graph.numbers(name + ".pads", 0, E, 0, 0, 0, 0))); // (B, T, d)
  }

  /** The mean of both classifiers where there are two, (B, classes). */
  private void classify(String x, String output) {
    if (vit.prefixTokens() == 1) {
      layers.classifier("head", output, layers.norm("norm", layers.at("class_token", x, 0, 1)));
      return;
    }
    String y = layers.norm("norm", layers.slice("prefix.last", x, 0, 2, 1)); // (B, 2, d)
    String scores = layers.classifier("head", "head.scores", layers.at("class_token", y, 0, 1));
    String distilled =
        layers.classifier(
            "head_dist", "head_dist.scores", layers.at("distillation_token", y, 1, 1));
    String sum = graph.node("Add", "scores.sum", List.of(scores, distilled));
    String half = graph.weights("scores.half", new float[] {0.5f});
    graph.node("Mul", output, List.of(sum, half));
  }

  /** The channels that a linear reads, (B, T, d) to (B, T, r). */
  private String read(String name, String y, List<Integer> channels) {
    return channels.isEmpty() ? y : gather(name, y, channels, 2);
  }

  /**
   * A linear whose outputs are put where they belong, (B, T, d): a narrowed one has one output more
   * that is always 0, which all other channels take.
   */
  private String write(String name, String y, List<Integer> channels) {
    if (channels.isEmpty()) {
      return layers.linear(name, y);
    }
    List<Integer> places = new ArrayList<>();
    for (int channel = 0; channel < vit.embedding(); channel++) {
      int place = channels.indexOf(channel);
      places.add(place < 0 ? channels.size() : place);
    }
    return gather(name + ".spread", layers.linearAndZero(name, y), places, 2);
  }

  private String gather(String name, String x, List<Integer> places, int axis) {
    String indices = graph.indices(name + ".places", places);
    return graph.node("Gather", name, List.of(x, indices), attribute("axis", axis));
  }
}
