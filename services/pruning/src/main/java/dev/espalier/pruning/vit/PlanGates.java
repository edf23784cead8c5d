package dev.espalier.pruning.vit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.List;

/**
 * A plan as gates of 0 and 1 over its base model: with them the whole model computes what the cut
 * model computes.
 */
public final class PlanGates {

  private PlanGates() {}

  /** Gates of a plan, on that manager. */
  public static Gates of(PruningPlan plan, NDManager manager) {
    VitArchitecture base = plan.base();
    NDArray embedding = mask(manager, base.embedding(), plan.embedding());
    List<Gates.Block> blocks = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      blocks.add(block(manager, base.blocks().get(l), plan.blocks().get(l)));
    }
    return new Gates(embedding, embedding, blocks);
  }

  private static Gates.Block block(NDManager manager, BlockShape shape, BlockPlan plan) {
    boolean attends = plan.kept() && plan.attention() != AttentionKind.SKIP;
    NDArray branches = manager.create(new float[] {attends ? 1 : 0, plan.kept() ? 1 : 0});
    NDArray mlp = mask(manager, shape.mlpHidden(), plan.mlp());
    if (shape.attention() == AttentionKind.SKIP) {
      return new Gates.Block(branches, null, null, null, mlp);
    }
    float[] heads = new float[shape.heads()];
    float[] qk = new float[shape.heads() * shape.qkWidth()];
    float[] v = new float[shape.heads() * shape.vWidth()];
    for (HeadPlan head : plan.heads()) {
      heads[head.head()] = 1;
      head.qk().forEach(i -> qk[head.head() * shape.qkWidth() + i] = 1);
      head.v().forEach(i -> v[head.head() * shape.vWidth() + i] = 1);
    }
    return new Gates.Block(
        branches,
        manager.create(heads),
        manager.create(qk, new Shape(shape.heads(), shape.qkWidth())),
        manager.create(v, new Shape(shape.heads(), shape.vWidth())),
        mlp);
  }

  private static NDArray mask(NDManager manager, int size, List<Integer> kept) {
    float[] mask = new float[size];
    kept.forEach(i -> mask[i] = 1);
    return manager.create(mask);
  }
}
