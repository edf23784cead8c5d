package dev.espalier.pruning.dynamicvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.List;

/**
 * One forward pass while training: all tokens stay, dropped ones are cut off from attention and
 * still pass a gradient to the predictors ({@code methods/dynamicvit.md} §3, §4).
 *
 * @param logits (B, classes)
 * @param patches patch tokens behind the last norm, (B, N, d)
 * @param decisions one for each stage, (B, N)
 */
record SparsePass(NDArray logits, NDArray patches, List<NDArray> decisions) {

  /** Epsilon of the masked softmax while training. */
  static final double EPSILON = 1e-6;

  SparsePass {
    decisions = List.copyOf(decisions);
  }

  /**
   * A pass of a model with predictors.
   *
   * @param noise Gumbel numbers, (stages, B, N, 2)
   */
  static SparsePass of(VitModel model, NDArray images, NDArray noise, double epsilon) {
    VitArchitecture vit = model.architecture();
    VitForward forward = new VitForward(model, Gates.NONE, (name, value) -> {});
    int E = vit.prefixTokens();
    NDArray x = forward.embed(images); // (B, T, d)
    NDArray decision = images.getManager().ones(new Shape(images.getShape().get(0), vit.patches()));
    NDArray policy = null;
    List<NDArray> decisions = new ArrayList<>();
    for (int l = 0; l < vit.depth(); l++) {
      if (vit.blocks().get(l).tokens() instanceof TokenRule.Select) {
        NDArray scores = forward.predictor(l, x.get(":, " + E + ":"), decision); // (B, N, 2)
        decision = Decision.next(scores, noise.get(decisions.size()), decision);
        decisions.add(decision);
        policy = Decision.policy(decision, E);
      }
      x = forward.block(l, x, policy, epsilon);
    }
    NDArray normed = forward.finish(x);
    return new SparsePass(forward.scores(normed), normed.get(":, " + E + ":"), decisions);
  }

  /** A pass of a model without predictors: the teacher. */
  static SparsePass dense(VitModel model, NDArray images) {
    return of(model, images, null, 0);
  }

  NDArray lastDecision() {
    return decisions.get(decisions.size() - 1);
  }
}
