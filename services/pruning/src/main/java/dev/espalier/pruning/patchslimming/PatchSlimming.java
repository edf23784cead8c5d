package dev.espalier.pruning.patchslimming;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.patchslimming.PatchSlimmingSettings.Criterion;

/**
 * Patch Slimming (Tang et al., CVPR 2022, arXiv 2106.02852): walks from the last block to the first
 * and lets each block let out only the tokens that matter for those behind; block by block the
 * features are reconstructed. The same positions for all images. Controls go the same way with
 * another criterion. What is ours is in {@code RATIONALE.md}.
 */
public final class PatchSlimming implements PruningMethod {

  private final MethodDescriptor descriptor;
  private final Criterion control;

  private PatchSlimming(MethodDescriptor descriptor, Criterion control) {
    this.descriptor = descriptor;
    this.control = control;
  }

  /** The method. */
  public PatchSlimming() {
    this(Methods.PATCH_SLIMMING, null);
  }

  /** Control: random tokens. */
  public static PatchSlimming randomTokens() {
    return new PatchSlimming(Methods.RANDOM_TOKENS, Criterion.RANDOM);
  }

  /** Control: tokens by the class token's attention. */
  public static PatchSlimming clsAttention() {
    return new PatchSlimming(Methods.CLS_ATTENTION, Criterion.CLS_ATTENTION);
  }

  /** Control: tokens by their norm. */
  public static PatchSlimming staticTopK() {
    return new PatchSlimming(Methods.STATIC_TOP_K, Criterion.NORM);
  }

  @Override
  public MethodDescriptor descriptor() {
    return descriptor;
  }

  @Override
  public Search search(SearchRequest request) {
    return new PatchSlimmingSearch(request, PatchSlimmingSettings.of(request, control));
  }

  /**
   * The tokens that the search let out. Where their cost is not the target's, more or fewer go, in
   * the search's order.
   */
  @Override
  public PruningPlan plan(PlanRequest asked) {
    PlanRequest request = asked.withDefaults(descriptor);
    if (request.targetKind() != TargetKind.MACS) {
      throw new IllegalArgumentException(
          "dropping tokens removes no parameters: the target must be of macs but is of "
              + request.targetKind().text());
    }
    PatchSlimmingSettings.requireFits(request.base());
    PatchFindings found = PatchFindings.fromBytes(request.base(), request.requireFindings());
    int[] patches = found.patches();
    if (!aligned(patches, request.base().patches(), request.alignment())
        || !PatchCounts.meets(request.base(), patches, request.keepRatio())) {
      patches =
          PatchCounts.solve(request.base(), patches, request.keepRatio(), request.alignment());
    }
    return TokenSets.of(request.base(), patches, found.scores()).plan();
  }

  /** Of the last block only the class token is read, its patches are free. */
  private static boolean aligned(int[] patches, int all, int alignment) {
    for (int l = 0; l + 1 < patches.length; l++) {
      if (patches[l] != all && patches[l] % alignment != 0) {
        return false;
      }
    }
    return true;
  }
}
