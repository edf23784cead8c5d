package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.FINETUNE;
import static dev.espalier.architecture.method.ParameterPhase.PRUNE;

import dev.espalier.architecture.cost.TargetKind;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Controls that tell pruning from training ({@code methods/README.md} §7, 4 and 5). */
final class TrainingControls {

  private static final ParameterDescriptor EPOCHS_TIMES =
      ParameterDescriptor.integer(
          "epochsTimes",
          FINETUNE,
          1,
          1,
          10,
          "Trains that many times the recipe's epochs: 2 or more pays for a search that trained.");

  static final MethodDescriptor SMALL_FROM_SCRATCH =
      new MethodDescriptor(
          "small-from-scratch",
          1,
          "A fresh model of the target's uniform widths, trained with the recipe; inherits nothing"
              + " (control)",
          "",
          SearchKind.SHARED,
          Set.of(SearchOutput.FRESH_WEIGHTS),
          true,
          false,
          UnitKind.WIDTHS,
          EnumSet.allOf(TargetKind.class),
          List.of(
              ParameterDescriptor.integer(
                  "alignment",
                  PRUNE,
                  8,
                  1,
                  256,
                  "Widths are multiples of it, or the base's whole width, as those of magnitude."),
              EPOCHS_TIMES));

  static final MethodDescriptor BASE_EXTRA_EPOCHS =
      new MethodDescriptor(
          "base-extra-epochs",
          1,
          "The whole base, trained on with the recipe: one cell at keep ratio 1, whatever the"
              + " targets (control)",
          "",
          SearchKind.SHARED,
          Set.of(),
          false,
          false,
          Set.of(),
          TargetKind.COUNTED,
          List.of(
              ParameterDescriptor.integer(
                  "alignment", PRUNE, 1, 1, 256, "Changes nothing: all widths stay."),
              EPOCHS_TIMES));

  private TrainingControls() {}
}
