package dev.espalier.pruning.surgery;

import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes the smaller model of a plan by copying what is kept ({@code methods/README.md} §5).
 *
 * <p>With E the kept residual channels and, per block, the kept heads with their query/key and
 * value channels and the kept hidden units M:
 *
 * <pre>
 * tokens, positions [:, E]   patch embedding [E]   layer norms [E]   classifiers [:, E]
 * qkv (queries, keys, values of kept heads, E)     proj (E, values of kept heads)
 * fc1 (M, E)                                       fc2 (E, M)            biases alike
 * </pre>
 *
 * The attention scale stays the base's, it is part of the shape. Heads narrower than the widest of
 * their block are padded: zero queries and keys add nothing to a score, zero values meet zero
 * columns of the projection.
 */
public final class Cut {

  /** Stands for a row or column that is not in the base: it is filled with 0. */
  private static final int PADDING = -1;

  private final VitWeights base;
  private final PruningPlan plan;
  private final int[] embedding;
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  private Cut(VitWeights base, PruningPlan plan) {
    this.base = base;
    this.plan = plan;
    this.embedding = indices(plan.embedding());
  }

  /**
   * The cut model. Its tensors are copies.
   *
   * @param full weights of the plan's base, trained or not
   */
  public static VitWeights apply(VitWeights full, PruningPlan plan) {
    if (!full.architecture().equals(plan.base())) {
      throw new IllegalArgumentException(
          "the plan is for %s but the weights are of %s"
              .formatted(plan.base(), full.architecture()));
    }
    return new Cut(full, plan).cut();
  }

  private VitWeights cut() {
    VitArchitecture vit = plan.base();
    columns("cls_token", embedding);
    if (vit.prefixTokens() == 2) {
      columns("dist_token", embedding);
    }
    columns("pos_embed", embedding);
    rows("patch_embed.proj", embedding);
    int position = 0;
    for (int l = 0; l < vit.depth(); l++) {
      if (plan.blocks().get(l).kept()) {
        block("blocks." + l + ".", "blocks." + position++ + ".", l);
      }
    }
    norm("norm", "norm");
    columns("head.weight", embedding);
    put("head.bias", "head.bias", Slices::copy);
    if (vit.prefixTokens() == 2) {
      columns("head_dist.weight", embedding);
      put("head_dist.bias", "head_dist.bias", Slices::copy);
    }
    return new VitWeights(plan.cutArchitecture(), tensors);
  }

  private void block(String from, String to, int l) {
    BlockShape shape = plan.base().blocks().get(l);
    BlockPlan block = plan.blocks().get(l);
    switch (block.attention()) {
      case MSA -> attention(from, to, shape, block);
      case SKIP -> {}
      case CONV1, CONV3 ->
          throw new UnsupportedOperationException(
              "block %d asks for %s attention".formatted(l, block.attention()));
    }
    int[] mlp = indices(block.mlp());
    norm(from + "norm2", to + "norm2");
    linear(from + "mlp.fc1", to + "mlp.fc1", mlp, embedding);
    linear(from + "mlp.fc2", to + "mlp.fc2", embedding, mlp);
  }

  private void attention(String from, String to, BlockShape shape, BlockPlan block) {
    int[] queries = channels(block, HeadPlan::qk, shape.qkWidth(), block.qkWidth(), 0);
    int[] keys =
        channels(
            block, HeadPlan::qk, shape.qkWidth(), block.qkWidth(), shape.heads() * shape.qkWidth());
    int[] values = channels(block, HeadPlan::v, shape.vWidth(), block.vWidth(), 0);
    int[] valueRows =
        channels(
            block,
            HeadPlan::v,
            shape.vWidth(),
            block.vWidth(),
            2 * shape.heads() * shape.qkWidth());
    norm(from + "norm1", to + "norm1");
    linear(from + "attn.qkv", to + "attn.qkv", joined(queries, keys, valueRows), embedding);
    linear(from + "attn.proj", to + "attn.proj", embedding, values);
  }

  /**
   * Rows of one of query, key and value, head-major: for each kept head its kept channels, then
   * padding.
   */
  private static int[] channels(
      BlockPlan block, Kept kept, int baseWidth, int width, int firstRow) {
    int[] rows = new int[block.heads().size() * width];
    Arrays.fill(rows, PADDING);
    for (int h = 0; h < block.heads().size(); h++) {
      HeadPlan head = block.heads().get(h);
      List<Integer> channels = kept.of(head);
      for (int c = 0; c < channels.size(); c++) {
        rows[h * width + c] = firstRow + head.head() * baseWidth + channels.get(c);
      }
    }
    return rows;
  }

  @FunctionalInterface
  private interface Kept {
    List<Integer> of(HeadPlan head);
  }

  private static int[] joined(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  private static int[] indices(List<Integer> kept) {
    return kept.stream().mapToInt(Integer::intValue).toArray();
  }

  private void norm(String from, String to) {
    put(from + ".weight", to + ".weight", tensor -> Slices.rows(tensor, embedding));
    put(from + ".bias", to + ".bias", tensor -> Slices.rows(tensor, embedding));
  }

  private void linear(String from, String to, int[] rows, int[] columns) {
    put(
        from + ".weight",
        to + ".weight",
        tensor -> Slices.columns(Slices.rows(tensor, rows), columns));
    put(from + ".bias", to + ".bias", tensor -> Slices.rows(tensor, rows));
  }

  private void rows(String name, int[] rows) {
    put(name + ".weight", name + ".weight", tensor -> Slices.rows(tensor, rows));
    put(name + ".bias", name + ".bias", tensor -> Slices.rows(tensor, rows));
  }

  private void columns(String name, int[] columns) {
    put(name, name, tensor -> Slices.columns(tensor, columns));
  }

  private void put(String from, String to, java.util.function.UnaryOperator<Tensor> change) {
    tensors.put(to, change.apply(base.tensor(from)));
  }
}
