package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.PRUNE;
import static dev.espalier.architecture.method.ParameterPhase.SEARCH;

import dev.espalier.architecture.cost.TargetKind;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * ViT-Slim, {@code methods/vit-slim.md}. The paper searches 50 epochs with all rates at 5e-4; the
 * defaults are for runs of a few epochs on small models, where gates need a rate of their own.
 */
final class VitSlim {

  static final MethodDescriptor DESCRIPTOR =
      new MethodDescriptor(
          "vit-slim",
          1,
          "ViT-Slim: L1-trained gates on heads' channels, hidden units and tokens, one search for"
              + " all targets",
          "Chavan et al., Vision Transformer Slimming: Multi-Dimension Searching in Continuous"
              + " Optimization Space, CVPR 2022, arXiv 2201.00814",
          SearchKind.SHARED,
          Set.of(SearchOutput.FINDINGS, SearchOutput.WEIGHTS),
          true,
          true,
          EnumSet.of(UnitKind.HEAD, UnitKind.QK, UnitKind.V, UnitKind.MLP, UnitKind.TOKEN),
          TargetKind.COUNTED,
          SparsityParameters.all(
              SparsityParameters.search(2, 5e-4, 1e-3, 1e-2),
              ParameterDescriptor.choice(
                  "gates",
                  SEARCH,
                  "per-channel",
                  List.of("per-channel", "per-head", "uniform"),
                  "What has a gate in attention: each channel of each head, whole heads"
                      + " (head_search), or a channel of all heads at once (uniform_search)."),
              ParameterDescriptor.choice(
                  "tanh",
                  SEARCH,
                  "tokens",
                  List.of("tokens", "all"),
                  "Which gates pass through tanh and start at 3 before it; others start at 1."),
              ParameterDescriptor.flag(
                  "tokenGates", SEARCH, true, "Whether tokens have gates; without, none falls."),
              ParameterDescriptor.number(
                  "attentionPenalty", SEARCH, 2e-4, 0, 1, "The paper's w1, on heads' channels."),
              ParameterDescriptor.number(
                  "mlpPenalty", SEARCH, 5e-5, 0, 1, "The paper's w2, on hidden units."),
              ParameterDescriptor.number(
                  "tokenPenalty", SEARCH, 1e-4, 0, 1, "The paper's w3, on tokens."),
              ParameterDescriptor.choice(
                  "trains",
                  SEARCH,
                  "all",
                  List.of("all", "gates-and-norms"),
                  "What trains: everything, or gates and layer norms alone."),
              ParameterDescriptor.choice(
                  "ranking",
                  PRUNE,
                  "absolute",
                  List.of("absolute", "signed"),
                  "What ranks gates: their size, or as in the authors' code their signed value."),
              ParameterDescriptor.choice(
                  "nesting",
                  PRUNE,
                  "or-backward",
                  List.of("or-backward", "and-forward"),
                  "A token kept in a block is kept in all before it (code), or one that fell in a"
                      + " block has fallen in all behind it (paper)."),
              pace("attentionPace", "heads' channels"),
              pace("mlpPace", "hidden units"),
              pace("tokenPace", "tokens"),
              SparsityParameters.heads(),
              SparsityParameters.alignment()));

  private VitSlim() {}

  private static ParameterDescriptor pace(String name, String units) {
    return ParameterDescriptor.number(
        name,
        PRUNE,
        1,
        0,
        4,
        "Share of %s that has gone when a share 1 of units at pace 1 has; 0: none."
            .formatted(units));
  }
}
