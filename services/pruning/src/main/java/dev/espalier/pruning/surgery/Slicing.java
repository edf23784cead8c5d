package dev.espalier.pruning.surgery;

import static dev.espalier.pruning.surgery.Slice.PADDING;

import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;

/**
 * Which rows and columns of each tensor a plan keeps: the dependency groups of {@code
 * methods/README.md} §5, written once for cuts, masks and transplants.
 *
 * <p>With E the kept residual channels and, per block, the kept heads with their query/key and
 * value channels and the kept hidden units M:
 *
 * <pre>
 * tokens, positions [:, E]   patch embedding [E]   layer norms [E]   classifiers [:, E]
 * qkv (queries, keys, values of kept heads, E)     proj (E, values of kept heads)
 * fc1 (M, E)                                       fc2 (E, M)            biases with their rows
 * convolution (all, E, k, k)                       its proj (E, all)     predictors whole
 * </pre>
 *
 * <p>Where a branch is wired to some residual channels only, those of E take E's place.
 */
final class Slicing {

  private final PruningPlan plan;
  private final int[] embedding;
  private final List<Slice> slices = new ArrayList<>();

  private Slicing(PruningPlan plan) {
    this.plan = plan;
    this.embedding = indices(plan.embedding());
  }

  /** One slice for each tensor of the cut model; tensors of removed blocks have none. */
  static List<Slice> of(PruningPlan plan) {
    Slicing slicing = new Slicing(plan);
    slicing.model();
    return slicing.slices;
  }

  private void model() {
    VitArchitecture vit = plan.base();
    add("cls_token", null, embedding);
    if (vit.prefixTokens() == 2) {
      add("dist_token", null, embedding);
    }
    add("pos_embed", null, embedding);
    add("patch_embed.proj.weight", embedding, null);
    add("patch_embed.proj.bias", embedding, null);
    int position = 0;
    for (int l = 0; l < vit.depth(); l++) {
      if (plan.blocks().get(l).kept()) {
        block("blocks." + l + ".", "blocks." + position + ".", l);
        position++;
      }
    }
    norm("norm", "norm");
    add("head.weight", null, embedding);
    add("head.bias", null, null);
    if (vit.prefixTokens() == 2) {
      add("head_dist.weight", null, embedding);
      add("head_dist.bias", null, null);
    }
  }

  private void block(String from, String to, int l) {
    BlockShape shape = plan.base().blocks().get(l);
    BlockPlan block = plan.blocks().get(l);
    Wiring kept = plan.wiring(l);
    Wiring had = shape.wiring();
    if (plan.tokens(l) instanceof TokenRule.Select) {
      predictor(from + "predictor.", to + "predictor.");
    }
    switch (block.attention()) {
      case MSA ->
          attention(
              from,
              to,
              shape,
              block,
              wired(kept.attentionReads(), had.attentionReads()),
              wired(kept.attentionWrites(), had.attentionWrites()));
      case SKIP -> {}
      case CONV1, CONV3 -> {
        norm(from + "norm1", to + "norm1");
        linear(from + "attn.conv", to + "attn.conv", null, embedding);
        linear(from + "attn.proj", to + "attn.proj", embedding, null);
      }
    }
    int[] mlp = indices(block.mlp());
    norm(from + "norm2", to + "norm2");
    linear(from + "mlp.fc1", to + "mlp.fc1", mlp, wired(kept.mlpReads(), had.mlpReads()));
    linear(from + "mlp.fc2", to + "mlp.fc2", wired(kept.mlpWrites(), had.mlpWrites()), mlp);
  }

  /** Places, in the base's tensor, of the channels that are wired and left. */
  private int[] wired(List<Integer> kept, List<Integer> had) {
    return plan.embedding().stream()
        .filter(channel -> kept.isEmpty() || Collections.binarySearch(kept, channel) >= 0)
        .mapToInt(channel -> had.isEmpty() ? channel : Collections.binarySearch(had, channel))
        .toArray();
  }

  private void predictor(String from, String to) {
    norm(from + "norm", to + "norm");
    for (String layer : List.of("embed", "score1", "score2", "score3")) {
      linear(from + layer, to + layer, null, null);
    }
  }

  private void attention(
      String from, String to, BlockShape shape, BlockPlan block, int[] reads, int[] writes) {
    int[] qk = channels(block, HeadPlan::qk, shape.qkWidth(), block.qkWidth());
    int[] v = channels(block, HeadPlan::v, shape.vWidth(), block.vWidth());
    int keysFrom = shape.heads() * shape.qkWidth();
    int valuesFrom = 2 * keysFrom;
    int[] qkv = new int[2 * qk.length + v.length];
    System.arraycopy(qk, 0, qkv, 0, qk.length);
    System.arraycopy(below(qk, keysFrom), 0, qkv, qk.length, qk.length);
    System.arraycopy(below(v, valuesFrom), 0, qkv, 2 * qk.length, v.length);
    norm(from + "norm1", to + "norm1");
    linear(from + "attn.qkv", to + "attn.qkv", qkv, reads);
    linear(from + "attn.proj", to + "attn.proj", writes, v);
  }

  /** Head-major: for each kept head its kept channels, then padding to the widest head's width. */
  private static int[] channels(
      BlockPlan block, Function<HeadPlan, List<Integer>> kept, int baseWidth, int width) {
    int[] channels = new int[block.heads().size() * width];
    Arrays.fill(channels, PADDING);
    for (int h = 0; h < block.heads().size(); h++) {
      HeadPlan head = block.heads().get(h);
      List<Integer> ofHead = kept.apply(head);
      for (int c = 0; c < ofHead.size(); c++) {
        channels[h * width + c] = head.head() * baseWidth + ofHead.get(c);
      }
    }
    return channels;
  }

  private static int[] below(int[] rows, int first) {
    return Arrays.stream(rows).map(row -> row == PADDING ? PADDING : first + row).toArray();
  }

  private static int[] indices(List<Integer> kept) {
    return kept.stream().mapToInt(Integer::intValue).toArray();
  }

  private void norm(String from, String to) {
    slices.add(new Slice(from + ".weight", to + ".weight", embedding, null));
    slices.add(new Slice(from + ".bias", to + ".bias", embedding, null));
  }

  private void linear(String from, String to, int[] rows, int[] columns) {
    slices.add(new Slice(from + ".weight", to + ".weight", rows, columns));
    slices.add(new Slice(from + ".bias", to + ".bias", rows, null));
  }

  private void add(String name, int[] rows, int[] columns) {
    slices.add(new Slice(name, name, rows, columns));
  }
}
