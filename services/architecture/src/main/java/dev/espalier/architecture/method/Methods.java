package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.PRUNE;
import static dev.espalier.architecture.method.ParameterPhase.SEARCH;

import dev.espalier.architecture.cost.TargetKind;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The methods that a sweep may name. */
public final class Methods {

  private static final ParameterDescriptor ALIGNMENT =
      ParameterDescriptor.integer(
          "alignment",
          PRUNE,
          8,
          1,
          256,
          "Kept widths are multiples of it, or the base's whole width; narrower than the floors it"
              + " yields.");

  /** Control: scores are random numbers; widths as {@link #MAGNITUDE} chooses them. */
  public static final MethodDescriptor RANDOM =
      new MethodDescriptor(
          "random",
          1,
          "Random units at uniform widths (control)",
          "",
          SearchKind.SHARED,
          Set.of(),
          true,
          false,
          UnitKind.WIDTHS,
          EnumSet.allOf(TargetKind.class),
          List.of(ALIGNMENT));

  /** Control: L2 norm of each unit's weights, the same share in every block. */
  public static final MethodDescriptor MAGNITUDE =
      new MethodDescriptor(
          "magnitude",
          1,
          "Largest L2 norm of the dependency group at uniform widths (control)",
          "",
          SearchKind.SHARED,
          Set.of(),
          false,
          false,
          UnitKind.WIDTHS,
          EnumSet.allOf(TargetKind.class),
          List.of(ALIGNMENT));

  /** NViT, {@code methods/nvit.md}: defaults are the paper's where the width allows them. */
  public static final MethodDescriptor NVIT =
      new MethodDescriptor(
          "nvit",
          1,
          "NViT: global Taylor ranking of all five groups, pruned step by step",
          "Yang et al., Global Vision Transformer Pruning with Hessian-Aware Saliency, CVPR 2023,"
              + " arXiv 2110.04869",
          SearchKind.CHAINED,
          Set.of(SearchOutput.FINDINGS, SearchOutput.WEIGHTS),
          true,
          true,
          UnitKind.WIDTHS,
          EnumSet.allOf(TargetKind.class),
          List.of(
              ParameterDescriptor.integer(
                  "interval", SEARCH, 25, 1, 10_000, "Batches between two pruning steps."),
              ParameterDescriptor.number(
                  "momentum",
                  SEARCH,
                  0.9,
                  0,
                  0.999,
                  "Weight of the past in the running average of scores over intervals."),
              ParameterDescriptor.integer(
                  "chunksPerStep", SEARCH, 2, 1, 1_000, "Chunks removed at each pruning step."),
              ParameterDescriptor.integer(
                  "embeddingChunk", SEARCH, 8, 1, 256, "Residual channels removed together."),
              ParameterDescriptor.integer(
                  "headChunk", SEARCH, 1, 1, 64, "Heads of a block removed together."),
              ParameterDescriptor.integer(
                  "qkChunk",
                  SEARCH,
                  4,
                  1,
                  64,
                  "Query/key channels of all heads of a block removed together."),
              ParameterDescriptor.integer(
                  "vChunk",
                  SEARCH,
                  4,
                  1,
                  64,
                  "Value channels of all heads of a block removed together."),
              ParameterDescriptor.integer(
                  "mlpChunk", SEARCH, 16, 1, 1_024, "Hidden units of a block removed together."),
              ParameterDescriptor.choice(
                  "chunkScore",
                  SEARCH,
                  "sum",
                  List.of("sum", "mean"),
                  "How a chunk's score follows from its units; the paper sums."),
              ParameterDescriptor.integer(
                  "batchSize", SEARCH, 64, 1, 65_536, "Images per training batch."),
              ParameterDescriptor.number(
                  "learningRate",
                  SEARCH,
                  1e-4,
                  0,
                  1,
                  "Constant learning rate of the weights while pruning."),
              ParameterDescriptor.number(
                  "weightDecay", SEARCH, 0.05, 0, 1, "AdamW's decoupled weight decay."),
              ParameterDescriptor.number(
                  "clipNorm", SEARCH, 1.0, 0, 1_000, "Bound on the global gradient norm; 0: none."),
              ParameterDescriptor.number(
                  "distillationWeight",
                  SEARCH,
                  100,
                  0,
                  100_000,
                  "Coefficient of KL(teacher || student), batch mean, once something is pruned."),
              ParameterDescriptor.number(
                  "distillationTemperature",
                  SEARCH,
                  3,
                  0.1,
                  100,
                  "Divides teacher's and student's logits."),
              ParameterDescriptor.choice(
                  "augmentation",
                  SEARCH,
                  "none",
                  List.of("none", "crop-flip"),
                  "What is done to training images."),
              ParameterDescriptor.integer(
                  "alignment",
                  PRUNE,
                  4,
                  1,
                  256,
                  "Kept widths are multiples of it, or the base's whole width; the chunks already"
                      + " keep multiples of 4.")));

  /** NViT with the latency-aware score. */
  public static final MethodDescriptor NVIT_LATENCY = NvitLatency.of(NVIT);

  /** VTP, {@code methods/vtp.md}. */
  public static final MethodDescriptor VTP = Vtp.DESCRIPTOR;

  /** ViT-Slim, {@code methods/vit-slim.md}. */
  public static final MethodDescriptor VIT_SLIM = VitSlim.DESCRIPTOR;

  /** Patch Slimming, {@code methods/patch-slimming.md}. */
  public static final MethodDescriptor PATCH_SLIMMING = PatchSlimmingDescriptors.PATCH_SLIMMING;

  /** Control: random tokens. */
  public static final MethodDescriptor RANDOM_TOKENS = PatchSlimmingDescriptors.RANDOM_TOKENS;

  /** Control: tokens by the class token's attention. */
  public static final MethodDescriptor CLS_ATTENTION = PatchSlimmingDescriptors.CLS_ATTENTION;

  /** Control: tokens by their norm. */
  public static final MethodDescriptor STATIC_TOP_K = PatchSlimmingDescriptors.STATIC_TOP_K;

  /** DynamicViT, {@code methods/dynamicvit.md}. */
  public static final MethodDescriptor DYNAMIC_VIT = DynamicVitDescriptor.DYNAMIC_VIT;

  /** WDPruning, {@code methods/wdpruning.md}. */
  public static final MethodDescriptor WDPRUNING = Wdpruning.DESCRIPTOR;

  /** SPViT, {@code methods/spvit.md}. */
  public static final MethodDescriptor SPVIT = Spvit.DESCRIPTOR;

  /** Control: drops the last blocks. */
  public static final MethodDescriptor DEPTH_LAST = Depth.LAST;

  /** Control: drops blocks at even distances. */
  public static final MethodDescriptor DEPTH_EVEN = Depth.EVEN;

  /** Control: a fresh model as small as the target. */
  public static final MethodDescriptor SMALL_FROM_SCRATCH = TrainingControls.SMALL_FROM_SCRATCH;

  /** Control: the whole base, trained on. */
  public static final MethodDescriptor BASE_EXTRA_EPOCHS = TrainingControls.BASE_EXTRA_EPOCHS;

  /** All methods, in the order in which people read them. */
  public static final List<MethodDescriptor> ALL =
      List.of(
          RANDOM,
          MAGNITUDE,
          NVIT,
          NVIT_LATENCY,
          VTP,
          VIT_SLIM,
          PATCH_SLIMMING,
          RANDOM_TOKENS,
          CLS_ATTENTION,
          STATIC_TOP_K,
          WDPRUNING,
          DYNAMIC_VIT,
          SPVIT,
          DEPTH_LAST,
          DEPTH_EVEN,
          SMALL_FROM_SCRATCH,
          BASE_EXTRA_EPOCHS);

  private Methods() {}

  public static Optional<MethodDescriptor> find(String name) {
    return ALL.stream().filter(method -> method.name().equals(name)).findFirst();
  }

  /**
   * The method of that name.
   *
   * @throws IllegalArgumentException naming the known ones
   */
  public static MethodDescriptor get(String name) {
    return find(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "method must be one of %s but is %s".formatted(names(), name)));
  }

  public static List<String> names() {
    return ALL.stream().map(MethodDescriptor::name).toList();
  }
}
