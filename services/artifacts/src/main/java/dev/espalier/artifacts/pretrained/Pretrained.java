package dev.espalier.artifacts.pretrained;

import dev.espalier.architecture.json.JsonObject;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.safetensors.SafetensorsFile;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model that somebody brings: a checkpoint of timm or transformers (ViT and DeiT, plain or
 * distilled, any depth, width, MLP ratio, image and patch size), or a file of our own. Tensors are
 * read when they are asked for, so that no model needs more memory than its largest tensor.
 *
 * <p>What a checkpoint does not say is taken from {@code config.json} beside it or from the {@link
 * Wishes}; {@link #notes} tells which defaults were taken and what was changed.
 */
public final class Pretrained implements AutoCloseable {

  /** Width of a head in every ViT and DeiT that was published; the default where nobody says. */
  private static final int USUAL_HEAD_WIDTH = 64;

  private static final double TIMM_EPSILON = 1e-6;
  private static final double TRANSFORMERS_EPSILON = 1e-12;
  private static final double NEW_CLASSIFIER_STD = 0.02;
  private static final long NEW_CLASSIFIER_SEED = 0;
  private static final int MAX_DEPTH = 1024;
  private static final Pattern BLOCK = Pattern.compile("blocks\\.(\\d+)\\..*");

  /** What the user wants otherwise than the file has it, or knows better than it. */
  public record Wishes(
      Optional<Integer> heads,
      Optional<Double> layerNormEpsilon,
      Optional<Integer> classes,
      Optional<Integer> imageSize) {

    public static final Wishes NONE =
        new Wishes(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
  }

  private final SafetensorsFile file;
  private final NamedTensors named;
  private final Map<String, Supplier<Tensor>> changed = new HashMap<>();
  private final List<String> notes = new ArrayList<>();
  private VitArchitecture architecture;

  private Pretrained(SafetensorsFile file, NamedTensors named) {
    this.file = file;
    this.named = named;
  }

  /**
   * Opens a model and checks names and shapes; values are checked when they are read.
   *
   * @throws MalformedFileException that names the tensor or member which does not fit
   */
  public static Pretrained open(PretrainedFiles files, Wishes wishes) throws IOException {
    SafetensorsFile file = SafetensorsFile.open(files.weights());
    try {
      Optional<String> own =
          Optional.ofNullable(file.metadata().get(ModelFile.ARCHITECTURE))
              .or(() -> files.architecture());
      Pretrained model;
      if (own.isPresent()) {
        model = new Pretrained(file, NamedTensors.asTheyAre(file));
        model.architecture = ModelFile.architecture(own.get());
        model.refuseForOwnFile("heads", wishes.heads());
        model.refuseForOwnFile("layer-norm epsilon", wishes.layerNormEpsilon());
      } else {
        model = new Pretrained(file, NamedTensors.of(file));
        model.infer(CheckpointConfig.read(files.config()), wishes);
      }
      model.requireShapes();
      wishes.imageSize().ifPresent(model::resize);
      wishes.classes().ifPresent(model::classify);
      return model;
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  public VitArchitecture architecture() {
    return architecture;
  }

  /** Defaults that were taken and changes that were made, for people. */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /** Reads a tensor under timm's name. */
  public Tensor tensor(String timm) {
    Supplier<Tensor> supplier = changed.get(timm);
    return supplier == null ? named.read(timm) : supplier.get();
  }

  /** Writes the model as a {@link ModelFile}. */
  public void write(OutputStream out) throws IOException {
    ModelFile.write(architecture, this::tensor, out);
  }

  /** The whole model in memory. */
  public VitWeights weights() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ParameterShapes.of(architecture).keySet().forEach(name -> tensors.put(name, tensor(name)));
    return new VitWeights(architecture, tensors);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  // ---- what a checkpoint's tensors say ----

  private void infer(CheckpointConfig config, Wishes wishes) {
    int[] patch = named.shape("patch_embed.proj.weight", 4);
    if (patch[2] != patch[3] || patch[1] != 1 && patch[1] != 3) {
      throw new MalformedFileException(
          "expected tensor %s to be (d, 1 or 3, p, p) but it is %s"
              .formatted(named.source("patch_embed.proj.weight"), Arrays.toString(patch)));
    }
    int prefix = named.has("dist_token") ? 2 : 1;
    int side = gridSide(prefix);
    int depth = depth();
    int inner = named.shape("blocks.0.attn.qkv.weight", 2)[0] / 3;
    int heads = heads(inner, config, wishes);
    List<BlockShape> blocks = new ArrayList<>();
    for (int l = 0; l < depth; l++) {
      int width = named.shape("blocks." + l + ".attn.qkv.weight", 2)[0];
      if (width % (3 * heads) != 0) {
        throw new MalformedFileException(
            "expected the rows of %s to be a multiple of 3 * %d heads but there are %d"
                .formatted(named.source("blocks." + l + ".attn.qkv.weight"), heads, width));
      }
      int hidden = named.shape("blocks." + l + ".mlp.fc1.weight", 2)[0];
      int perHead = width / 3 / heads;
      blocks.add(new BlockShape(AttentionKind.MSA, heads, perHead, perHead, hidden));
      withoutBias("blocks." + l + ".attn.qkv.bias", width, l);
      foldLayerScale(l);
    }
    architecture =
        new VitArchitecture(
            side * patch[2],
            patch[2],
            patch[1],
            classes(prefix, patch[0], wishes),
            prefix,
            patch[0],
            inner / heads,
            epsilon(config, wishes),
            blocks);
    if (!named.unused().isEmpty()) {
      notes.add(
          "left out, as classification does not use it: " + String.join(", ", named.unused()));
    }
  }

  /** Side of the grid of patches; positions may lack those of the prefix tokens (DeiT III). */
  private int gridSide(int prefix) {
    int[] positions = named.shape("pos_embed", 3);
    int side = (int) Math.round(Math.sqrt(Math.max(0, positions[1] - prefix)));
    if (side >= 1 && side * side == positions[1] - prefix) {
      return side;
    }
    int bare = (int) Math.round(Math.sqrt(positions[1]));
    if (bare * bare != positions[1]) {
      throw new MalformedFileException(
          "expected tensor %s to have %d prefix tokens and a square of patches but it is %s"
              .formatted(named.source("pos_embed"), prefix, Arrays.toString(positions)));
    }
    int d = positions[2];
    changed.put(
        "pos_embed",
        () -> {
          float[] values = new float[(prefix + bare * bare) * d];
          System.arraycopy(
              named.read("pos_embed").values(), 0, values, prefix * d, bare * bare * d);
          return new Tensor(new int[] {1, prefix + bare * bare, d}, values);
        });
    notes.add("prefix tokens have no position of their own: zero was taken");
    return bare;
  }

  private int depth() {
    int depth = 0;
    for (String name : named.names()) {
      Matcher block = BLOCK.matcher(name);
      if (block.matches()) {
        depth = Math.max(depth, Integer.parseInt(block.group(1)) + 1);
      }
    }
    if (depth < 1 || depth > MAX_DEPTH) {
      throw new MalformedFileException(
          "expected tensors of 1..%d blocks, such as blocks.0.norm1.weight, but found %d blocks"
              .formatted(MAX_DEPTH, depth));
    }
    return depth;
  }

  private int heads(int inner, CheckpointConfig config, Wishes wishes) {
    if (wishes.heads().isPresent()) {
      return wishes.heads().get();
    }
    if (config.heads().isPresent()) {
      notes.add("%d heads, as config.json says".formatted(config.heads().get()));
      return config.heads().get();
    }
    if (inner % USUAL_HEAD_WIDTH != 0) {
      throw new MalformedFileException(
          "expected a head count, from config.json beside the file or as an option, because the weights do not tell how many heads share a width of "
              + inner);
    }
    int heads = inner / USUAL_HEAD_WIDTH;
    notes.add(
        "%d heads by default (width %d / %d): neither config.json nor an option says"
            .formatted(heads, inner, USUAL_HEAD_WIDTH));
    return heads;
  }

  private double epsilon(CheckpointConfig config, Wishes wishes) {
    Optional<Double> said = wishes.layerNormEpsilon().or(config::layerNormEpsilon);
    if (said.isPresent()) {
      return said.get();
    }
    boolean timm = file.places().keySet().stream().anyMatch(TensorNames::isTimm);
    double epsilon = timm ? TIMM_EPSILON : TRANSFORMERS_EPSILON;
    notes.add(
        "layer-norm epsilon %s by default, as %s has it"
            .formatted(epsilon, timm ? "timm" : "transformers"));
    return epsilon;
  }

  private int classes(int prefix, int d, Wishes wishes) {
    if (!named.has("head.weight")) {
      int classes =
          wishes
              .classes()
              .orElseThrow(
                  () ->
                      new MalformedFileException(
                          "expected a tensor head.weight but there is none; give the number of classes to start a new classifier"));
      newClassifiers(classes, prefix, d);
      return classes;
    }
    int classes = named.shape("head.weight", 2)[0];
    if (prefix == 2 && !named.has("head_dist.weight")) {
      // transformers' DeiTForImageClassification reads the class token alone, while our logits are
      // the mean of both heads: twice the one and nothing of the other is the same.
      UnaryOperator<Tensor> doubled = tensor -> scaled(tensor, 2);
      changed.put("head.weight", () -> doubled.apply(named.read("head.weight")));
      changed.put("head.bias", () -> doubled.apply(named.read("head.bias")));
      changed.put("head_dist.weight", () -> zeros(classes, d));
      changed.put("head_dist.bias", () -> zeros(classes));
      notes.add("the distillation token has no classifier: the class token's alone decides");
    }
    return classes;
  }

  private void withoutBias(String name, int width, int block) {
    if (!named.has(name)) {
      changed.put(name, () -> zeros(width));
      if (block == 0) {
        notes.add("queries, keys and values have no bias: zero was taken");
      }
    }
  }

  /** LayerScale multiplies what a branch adds to the residual, as its last linear layer can do. */
  private void foldLayerScale(int block) {
    for (String[] branch : new String[][] {{"ls1.gamma", "attn.proj"}, {"ls2.gamma", "mlp.fc2"}}) {
      String gamma = "blocks." + block + "." + branch[0];
      if (named.has(gamma)) {
        String layer = "blocks." + block + "." + branch[1];
        int[] shape = named.shape(gamma, 1);
        if (shape[0] != named.shape(layer + ".bias", 1)[0]) {
          throw new MalformedFileException(
              "expected tensor %s to be as wide as %s.bias but it is %s"
                  .formatted(named.source(gamma), layer, Arrays.toString(shape)));
        }
        changed.put(
            layer + ".weight",
            () -> rowsScaled(named.read(layer + ".weight"), named.read(gamma).values()));
        changed.put(
            layer + ".bias",
            () -> rowsScaled(named.read(layer + ".bias"), named.read(gamma).values()));
        if (block == 0) {
          notes.add(branch[0] + " was folded into " + branch[1]);
        }
      }
    }
  }

  // ---- what the user wants otherwise ----

  private void resize(int imageSize) {
    if (imageSize == architecture.imageSize()) {
      return;
    }
    int patch = architecture.patchSize();
    if (imageSize < patch || imageSize % patch != 0) {
      throw new MalformedFileException(
          "expected an image size that is a multiple of the patch size %d but found %d"
              .formatted(patch, imageSize));
    }
    int from = architecture.imageSize() / patch;
    int to = imageSize / patch;
    Supplier<Tensor> before = changed.getOrDefault("pos_embed", () -> named.read("pos_embed"));
    int prefix = architecture.prefixTokens();
    changed.put("pos_embed", () -> PositionGrid.resample(before.get(), prefix, from, to));
    notes.add(
        "position embeddings were resampled from %dx%d to %dx%d patches"
            .formatted(from, from, to, to));
    architecture = with("imageSize", imageSize);
  }

  private void classify(int classes) {
    if (classes == architecture.classes()) {
      return;
    }
    int before = architecture.classes();
    architecture = with("classes", classes);
    newClassifiers(classes, architecture.prefixTokens(), architecture.embedding());
    notes.add("the classifier of %d classes was replaced".formatted(before));
  }

  private void newClassifiers(int classes, int prefix, int d) {
    List<String> heads = prefix == 2 ? List.of("head", "head_dist") : List.of("head");
    for (int head = 0; head < heads.size(); head++) {
      long seed = NEW_CLASSIFIER_SEED + head;
      changed.put(heads.get(head) + ".weight", () -> normal(classes, d, seed));
      changed.put(heads.get(head) + ".bias", () -> zeros(classes));
    }
    notes.add(
        "a new classifier of %d classes, normal with deviation %s, has to be trained"
            .formatted(classes, NEW_CLASSIFIER_STD));
  }

  /** The architecture with one member of its JSON form replaced. */
  private VitArchitecture with(String member, int value) {
    Map<String, Object> tree = architecture.toTree();
    tree.put(member, value);
    try {
      return VitArchitecture.fromTree(JsonObject.of("", tree));
    } catch (IllegalArgumentException e) {
      throw new MalformedFileException(e.getMessage(), e);
    }
  }

  // ---- checks ----

  private void refuseForOwnFile(String what, Optional<?> wish) {
    if (wish.isPresent()) {
      throw new MalformedFileException(
          "expected no %s to be given, as the file carries its architecture, but found %s"
              .formatted(what, wish.get()));
    }
  }

  private void requireShapes() {
    Map<String, int[]> shapes = ParameterShapes.of(architecture);
    shapes.forEach(
        (name, expected) -> {
          if (!changed.containsKey(name) && !Arrays.equals(named.shape(name), expected)) {
            throw new MalformedFileException(
                "expected tensor %s to be %s but it is %s"
                    .formatted(
                        named.source(name),
                        Arrays.toString(expected),
                        Arrays.toString(named.shape(name))));
          }
        });
    for (String name : named.names()) {
      if (!shapes.containsKey(name) && !name.matches("blocks\\.\\d+\\.ls[12]\\.gamma")) {
        throw new MalformedFileException(
            "tensor %s has no place in the model's architecture".formatted(named.source(name)));
      }
    }
  }

  private static Tensor zeros(int... shape) {
    return new Tensor(shape, new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)]);
  }

  private static Tensor normal(int rows, int columns, long seed) {
    Random random = new Random(seed);
    Tensor tensor = zeros(rows, columns);
    for (int i = 0; i < tensor.values().length; i++) {
      tensor.values()[i] = (float) (NEW_CLASSIFIER_STD * random.nextGaussian());
    }
    return tensor;
  }

  private static Tensor scaled(Tensor tensor, float factor) {
    float[] values = tensor.values().clone();
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
    return new Tensor(tensor.shape(), values);
  }

  /** Row i times {@code factors[i]}. */
  private static Tensor rowsScaled(Tensor tensor, float[] factors) {
    float[] values = tensor.values().clone();
    int row = values.length / factors.length;
    for (int i = 0; i < values.length; i++) {
      values[i] *= factors[i / row];
    }
    return new Tensor(tensor.shape(), values);
  }
}
