package dev.espalier.pruning.dynamicvit;

import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * DynamicViT (Rao et al., NeurIPS 2021, arXiv 2106.02034): predictors in front of some blocks drop
 * patches, others for each image, and train with the model. At inference each stage keeps a fixed
 * number, those with the highest score. What is ours is in {@code RATIONALE.md}.
 */
public final class DynamicVit implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.DYNAMIC_VIT;
  }

  @Override
  public Search search(SearchRequest request) {
    return new DynamicVitSearch(request);
  }

  /** All weights, and at each stage of the findings the number of patches that meets the target. */
  @Override
  public PruningPlan plan(PlanRequest request) {
    request.importance().checkFits(request.base());
    List<Integer> blocks = Predictors.read(request.requireFindings()).blocks();
    return Stages.solve(
            request.base(), blocks, request.targetKind(), request.keepRatio(), request.alignment())
        .plan(request.base());
  }

  /** The trained predictors. */
  @Override
  public Map<String, Tensor> brought(PruningPlan plan, Optional<byte[]> findings) {
    return Predictors.read(
            findings.orElseThrow(
                () -> new IllegalArgumentException("the plan needs the findings of a search")))
        .tensors();
  }
}
