package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.PRUNE;

import dev.espalier.architecture.cost.TargetKind;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Controls for depth ({@code methods/README.md} §7): whole blocks go, by place alone. */
final class Depth {

  static final MethodDescriptor LAST =
      control("depth-last", "Drops the last blocks (control for depth)");
  static final MethodDescriptor EVEN =
      control("depth-even", "Drops blocks at even distances (control for depth)");

  private Depth() {}

  private static MethodDescriptor control(String name, String title) {
    return new MethodDescriptor(
        name,
        1,
        title,
        "",
        SearchKind.SHARED,
        Set.of(),
        false,
        false,
        EnumSet.of(UnitKind.BLOCK),
        TargetKind.COUNTED,
        List.of(
            ParameterDescriptor.integer(
                "alignment",
                PRUNE,
                1,
                1,
                256,
                "The number of kept blocks is a multiple of it, or the base's.")));
  }
}
