package dev.espalier.pruning.spvit;

import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * SPViT (He et al., TPAMI 2024, arXiv 2111.11802): gates choose for each block between
 * self-attention, a 3x3 or 1x1 convolution made of the attention's own weights, and nothing, and
 * which hidden units stay. What is ours is in {@code RATIONALE.md}.
 */
public final class SpVit implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.SPVIT;
  }

  @Override
  public Search search(SearchRequest request) {
    return new SpVitSearch(request);
  }

  /** What the gates leave open, at the threshold that meets the budget. */
  @Override
  public PruningPlan plan(PlanRequest request) {
    OpenGates.requirePlain(request.base());
    Findings findings = Findings.fromBytes(request.base(), request.requireFindings());
    return new OpenGates(request.base(), findings, request.alignment())
        .plan(request.targetKind(), request.keepRatio());
  }

  /** The convolutions of the blocks that the plan gives one. */
  @Override
  public Map<String, Tensor> brought(PruningPlan plan, Optional<byte[]> findings) {
    Map<String, Tensor> found =
        Findings.fromBytes(
                plan.base(),
                findings.orElseThrow(
                    () -> new IllegalArgumentException("the plan needs the findings of a search")))
            .convolutions();
    Map<String, Tensor> brought = new LinkedHashMap<>();
    for (int l = 0; l < plan.blocks().size(); l++) {
      AttentionKind kind = plan.blocks().get(l).attention();
      if (kind.isConvolution()) {
        String prefix = kind.text() + "/";
        String block = prefix + "blocks." + l + ".";
        found.forEach(
            (name, tensor) -> {
              if (name.startsWith(block)) {
                brought.put(name.substring(prefix.length()), tensor);
              }
            });
      }
    }
    return brought;
  }
}
