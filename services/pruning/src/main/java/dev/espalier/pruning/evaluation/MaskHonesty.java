package dev.espalier.pruning.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Proof that a cut model computes what its plan says: the full-size model with the plan's units
 * masked to 0 and the cut model must give the same class scores on real images.
 *
 * <p>Both run through the reference engine, so that a difference is a fault of the cut or of the
 * files, not of a fast kernel. The masks are written out here, apart from the code that cuts.
 */
public final class MaskHonesty {

  private static final int BATCH = 64;

  private MaskHonesty() {}

  /**
   * How far the class scores of both models are apart.
   *
   * @param base weights the plan cuts
   * @param cut what is said to be their cut
   * @param images that are compared, the first of the split
   */
  public static ScoreAgreement agreement(
      TensorEngine tensors,
      VitWeights base,
      PruningPlan plan,
      VitWeights cut,
      ImageDataset dataset,
      Split split,
      int images) {
    ScoreAgreement agreement = ScoreAgreement.NONE;
    try (VitEngine engine = VitEngine.reference();
        VitModel full = VitModel.frozen(tensors, base);
        VitModel small = VitModel.frozen(tensors, cut);
        NDManager session = tensors.newManager()) {
      Gates masks = masks(session, plan);
      int count = Math.min(images, split.size());
      for (int from = 0; from < count; from += BATCH) {
        int[] indices = IntStream.range(from, Math.min(from + BATCH, count)).toArray();
        try (NDManager step = session.newSubManager();
            GradientMode off = GradientMode.off()) {
          NDArray batch = TestImages.load(step, dataset, split, indices); // (B, C, S, S)
          float[] masked = VitForward.masked(full, batch, masks).toFloatArray(); // (B, classes)
          float[] sliced = engine.logits(small, batch).toFloatArray(); // (B, classes)
          agreement = agreement.and(indices.length, masked, sliced);
        }
      }
    }
    return agreement;
  }

  /** 1 for what the plan keeps, 0 for the rest. */
  static Gates masks(NDManager manager, PruningPlan plan) {
    List<Gates.Block> blocks = new ArrayList<>();
    for (int l = 0; l < plan.blocks().size(); l++) {
      blocks.add(
          masks(
              manager, plan.base().blocks().get(l), plan.blocks().get(l), plan.base().embedding()));
    }
    float[] embedding = mask(plan.base().embedding(), plan.embedding());
    return new Gates(manager.create(embedding), manager.create(embedding), blocks);
  }

  private static Gates.Block masks(
      NDManager manager, BlockShape base, BlockPlan plan, int embedding) {
    float mixes = plan.kept() && plan.attention() != AttentionKind.SKIP ? 1 : 0;
    float[] branches = {mixes, plan.kept() ? 1 : 0};
    float[] heads = new float[base.heads()];
    float[] qk = new float[base.heads() * base.qkWidth()];
    float[] v = new float[base.heads() * base.vWidth()];
    for (HeadPlan head : plan.heads()) {
      heads[head.head()] = 1;
      head.qk().forEach(channel -> qk[head.head() * base.qkWidth() + channel] = 1);
      head.v().forEach(channel -> v[head.head() * base.vWidth() + channel] = 1);
    }
    if (base.attention() != AttentionKind.MSA || plan.attention() != AttentionKind.MSA) {
      return new Gates.Block(
          manager.create(branches),
          null,
          null,
          null,
          manager.create(mask(base.mlpHidden(), plan.mlp())));
    }
    return new Gates.Block(
            manager.create(branches),
            manager.create(heads),
            manager.create(qk, new Shape(base.heads(), base.qkWidth())),
            manager.create(v, new Shape(base.heads(), base.vWidth())),
            manager.create(mask(base.mlpHidden(), plan.mlp())))
        .wired(
            wired(manager, embedding, plan.wiring().attentionReads()),
            wired(manager, embedding, plan.wiring().attentionWrites()),
            wired(manager, embedding, plan.wiring().mlpReads()),
            wired(manager, embedding, plan.wiring().mlpWrites()));
  }

  private static NDArray wired(NDManager manager, int embedding, List<Integer> channels) {
    return channels.isEmpty() ? null : manager.create(mask(embedding, channels));
  }

  private static float[] mask(int size, List<Integer> kept) {
    float[] mask = new float[size];
    kept.forEach(index -> mask[index] = 1);
    return mask;
  }
}
