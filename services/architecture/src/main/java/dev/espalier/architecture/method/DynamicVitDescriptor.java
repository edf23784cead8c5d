package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.PRUNE;
import static dev.espalier.architecture.method.ParameterPhase.SEARCH;

import dev.espalier.architecture.cost.TargetKind;
import java.util.List;
import java.util.Set;

/**
 * DynamicViT, {@code methods/dynamicvit.md}. Weights of the losses and decay are the paper's; it
 * trains 30 epochs in batches of 1024 with 5 of them for warm-up and a frozen backbone, predictors
 * at a rate of 1e-3 and the backbone at a hundredth of it. The defaults are scaled to short runs of
 * a few hundred updates, in which predictors at the paper's rates learn less than chance knows
 * (RATIONALE.md of the method).
 */
final class DynamicVitDescriptor {

  static final MethodDescriptor DYNAMIC_VIT =
      new MethodDescriptor(
          "dynamicvit",
          2,
          "DynamicViT: predictors drop patches image by image, trained with the model",
          "Rao et al., DynamicViT: Efficient Vision Transformers with Dynamic Token Sparsification,"
              + " NeurIPS 2021, arXiv 2106.02034",
          SearchKind.PER_TARGET,
          Set.of(SearchOutput.FINDINGS, SearchOutput.WEIGHTS, SearchOutput.TENSORS),
          true,
          true,
          Set.of(UnitKind.TOKEN),
          Set.of(TargetKind.MACS),
          List.of(
              ParameterDescriptor.integer(
                  "stages",
                  SEARCH,
                  3,
                  1,
                  16,
                  "Predictors, evenly spaced over the depth; none stands in front of block 0."),
              ParameterDescriptor.integer(
                  "epochs", SEARCH, 6, 1, 10_000, "Passes over the training images."),
              ParameterDescriptor.integer(
                  "frozenEpochs", SEARCH, 1, 0, 10_000, "First epochs that train predictors only."),
              ParameterDescriptor.number(
                  "warmupEpochs",
                  SEARCH,
                  1,
                  0,
                  10_000,
                  "Epochs of linear rise of the learning rate."),
              ParameterDescriptor.integer(
                  "batchSize", SEARCH, 64, 1, 65_536, "Images per training batch."),
              ParameterDescriptor.number(
                  "learningRate", SEARCH, 1e-2, 1e-9, 1, "Highest learning rate of predictors."),
              ParameterDescriptor.number(
                  "backboneShare",
                  SEARCH,
                  0.1,
                  0,
                  1,
                  "Learning rate of the other weights as a share of the predictors'."),
              ParameterDescriptor.number(
                  "weightDecay", SEARCH, 0.05, 0, 1, "AdamW's decoupled weight decay."),
              ParameterDescriptor.number(
                  "clipNorm", SEARCH, 1.0, 0, 1_000, "Bound on the global gradient norm; 0: none."),
              ParameterDescriptor.number(
                  "ratioWeight", SEARCH, 2, 0, 1_000, "Coefficient of the keep rate's loss."),
              ParameterDescriptor.number(
                  "klWeight", SEARCH, 0.5, 0, 1_000, "Coefficient of KL(teacher || student)."),
              ParameterDescriptor.number(
                  "distillationWeight",
                  SEARCH,
                  0.5,
                  0,
                  1_000,
                  "Coefficient of the squared distance of kept tokens to the teacher's."),
              ParameterDescriptor.choice(
                  "augmentation",
                  SEARCH,
                  "none",
                  List.of("none", "crop-flip"),
                  "What is done to training images."),
              ParameterDescriptor.integer(
                  "alignment",
                  PRUNE,
                  1,
                  1,
                  256,
                  "Kept patches of a stage are a multiple of it where there are that many.")),
          false,
          (base, given) ->
              TokenStages.least(
                  base,
                  MethodDescriptor.integer(given, "stages"),
                  MethodDescriptor.integer(given, "alignment")));

  private DynamicVitDescriptor() {}
}
