package dev.espalier.pruning.surgery;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.pruning.vit.Gates;
import java.util.ArrayList;
import java.util.List;

/**
 * A plan as gates of 0 and 1: the full-size model under them computes what the cut one does. Token
 * rules are no gates, {@link dev.espalier.pruning.vit.VitForward#masked} masks them.
 */
public final class Masks {

  private Masks() {}

  /** Gates that let through what the plan keeps; they belong to {@code manager}. */
  public static Gates gates(NDManager manager, PruningPlan plan) {
    List<Gates.Block> blocks = new ArrayList<>();
    for (int l = 0; l < plan.blocks().size(); l++) {
      blocks.add(block(manager, plan, l));
    }
    float[] embedding = ones(plan.base().embedding(), plan.embedding());
    return new Gates(manager.create(embedding), manager.create(embedding), blocks);
  }

  private static Gates.Block block(NDManager manager, PruningPlan whole, int l) {
    BlockShape base = whole.base().blocks().get(l);
    BlockPlan plan = whole.blocks().get(l);
    Wiring wiring = plan.wiring();
    return widths(manager, base, plan)
        .wired(
            wired(manager, whole, wiring.attentionReads()),
            wired(manager, whole, wiring.attentionWrites()),
            wired(manager, whole, wiring.mlpReads()),
            wired(manager, whole, wiring.mlpWrites()));
  }

  private static NDArray wired(NDManager manager, PruningPlan plan, List<Integer> channels) {
    return channels.isEmpty() ? null : manager.create(ones(plan.base().embedding(), channels));
  }

  private static Gates.Block widths(NDManager manager, BlockShape base, BlockPlan plan) {
    boolean mixes = plan.kept() && plan.attention() != AttentionKind.SKIP;
    float[] branches = {mixes ? 1 : 0, plan.kept() ? 1 : 0};
    float[] mlp = ones(base.mlpHidden(), plan.mlp());
    if (base.attention() != AttentionKind.MSA || plan.attention() != AttentionKind.MSA) {
      return new Gates.Block(manager.create(branches), null, null, null, manager.create(mlp));
    }
    int H = base.heads();
    int q = base.qkWidth();
    int v = base.vWidth();
    float[] qk = new float[H * q];
    float[] values = new float[H * v];
    for (HeadPlan head : plan.heads()) {
      head.qk().forEach(channel -> qk[head.head() * q + channel] = 1);
      head.v().forEach(channel -> values[head.head() * v + channel] = 1);
    }
    return new Gates.Block(
        manager.create(branches),
        manager.create(ones(H, plan.headIndices())),
        manager.create(qk, new Shape(H, q)),
        manager.create(values, new Shape(H, v)),
        manager.create(mlp));
  }

  private static float[] ones(int length, List<Integer> kept) {
    float[] ones = new float[length];
    kept.forEach(index -> ones[index] = 1);
    return ones;
  }
}
