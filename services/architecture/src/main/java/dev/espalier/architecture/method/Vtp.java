package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.PRUNE;
import static dev.espalier.architecture.method.ParameterPhase.SEARCH;

import dev.espalier.architecture.cost.TargetKind;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * VTP, {@code methods/vtp.md}. The paper trains 100 epochs at 6.25e-6 with a penalty of 1e-4; the
 * defaults are for runs of a few epochs on small models, where gates need a rate of their own.
 */
final class Vtp {

  static final MethodDescriptor DESCRIPTOR =
      new MethodDescriptor(
          "vtp",
          1,
          "VTP: L1-trained gates on the inputs of a block's linears, ranked globally",
          "Zhu, Tang, Han, Vision Transformer Pruning, KDD 2021 workshop, arXiv 2104.08500",
          SearchKind.SHARED,
          Set.of(SearchOutput.FINDINGS, SearchOutput.WEIGHTS),
          true,
          true,
          EnumSet.of(UnitKind.ATTENTION_INPUT, UnitKind.V, UnitKind.MLP_INPUT, UnitKind.MLP),
          TargetKind.COUNTED,
          SparsityParameters.all(
              SparsityParameters.search(2, 1e-4, 0.05, 1e-2),
              ParameterDescriptor.number(
                  "penalty", SEARCH, 1e-4, 0, 1, "The paper's lambda: coefficient of sum |a|."),
              ParameterDescriptor.choice(
                  "ranking",
                  PRUNE,
                  "global",
                  List.of("global", "per-site", "per-layer"),
                  "Which gates are ranked together: all, those of one of the four sites, or those"
                      + " of one site of one block."),
              SparsityParameters.heads(),
              SparsityParameters.alignment()));

  private Vtp() {}
}
