package dev.espalier.architecture.redistribution;

import java.util.List;
import java.util.Optional;

/** The redistribution policies by name. {@link #NONE} is the choice to have no such step. */
public final class Redistributions {

  /** Name of the choice that adds no stage. */
  public static final String NONE = "none";

  /** The policies that are a stage, in the order in which people read them. */
  public static final List<Redistribution> ALL = List.of(new Smooth(), new NvitTrend());

  private Redistributions() {}

  public static Optional<Redistribution> find(String name) {
    return ALL.stream().filter(policy -> policy.name().equals(name)).findFirst();
  }

  /**
   * The policy of that name.
   *
   * @throws IllegalArgumentException naming the known ones
   */
  public static Redistribution get(String name) {
    return find(name)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "redistribution must be one of %s but is %s".formatted(names(), name)));
  }

  /** All choices, "none" first. */
  public static List<String> names() {
    return java.util.stream.Stream.concat(
            java.util.stream.Stream.of(NONE), ALL.stream().map(Redistribution::name))
        .toList();
  }
}
