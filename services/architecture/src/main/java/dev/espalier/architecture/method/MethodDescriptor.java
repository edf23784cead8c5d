package dev.espalier.architecture.method;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a planner must know of a pruning method without running it.
 *
 * @param name in specs and stages
 * @param version raised whenever results change
 * @param title one line for people
 * @param paper where it comes from; empty for controls
 * @param search how its search relates to targets
 * @param outputs what its search leaves beside importance
 * @param searchUsesSeed whether two seeds need two searches
 * @param searchUsesDataset whether the search reads images
 * @param prunes kinds of units it removes
 * @param targets kinds of targets it can meet
 * @param parameters what may be set
 * @param searchUsesLatency whether the search reads a table of measured latencies
 * @param smallest the cheapest model it can leave of a base
 */
public record MethodDescriptor(
    String name,
    int version,
    String title,
    String paper,
    SearchKind search,
    Set<SearchOutput> outputs,
    boolean searchUsesSeed,
    boolean searchUsesDataset,
    Set<UnitKind> prunes,
    Set<TargetKind> targets,
    List<ParameterDescriptor> parameters,
    boolean searchUsesLatency,
    Smallest smallest) {

  /** The cheapest shape that a method can leave; depends on its parameters, defaults filled in. */
  @FunctionalInterface
  public interface Smallest {
    VitArchitecture of(VitArchitecture base, Map<String, Object> parameters);
  }

  public MethodDescriptor {
    outputs = Set.copyOf(outputs);
    prunes = Set.copyOf(prunes);
    targets = Set.copyOf(targets);
    parameters = List.copyOf(parameters);
  }

  /** A method whose search needs no latencies. */
  public MethodDescriptor(
      String name,
      int version,
      String title,
      String paper,
      SearchKind search,
      Set<SearchOutput> outputs,
      boolean searchUsesSeed,
      boolean searchUsesDataset,
      Set<UnitKind> prunes,
      Set<TargetKind> targets,
      List<ParameterDescriptor> parameters) {
    this(
        name,
        version,
        title,
        paper,
        search,
        outputs,
        searchUsesSeed,
        searchUsesDataset,
        prunes,
        targets,
        parameters,
        false);
  }

  /** A method that can bring every kind of unit it prunes down to {@link Floors}. */
  public MethodDescriptor(
      String name,
      int version,
      String title,
      String paper,
      SearchKind search,
      Set<SearchOutput> outputs,
      boolean searchUsesSeed,
      boolean searchUsesDataset,
      Set<UnitKind> prunes,
      Set<TargetKind> targets,
      List<ParameterDescriptor> parameters,
      boolean searchUsesLatency) {
    this(
        name,
        version,
        title,
        paper,
        search,
        outputs,
        searchUsesSeed,
        searchUsesDataset,
        prunes,
        targets,
        parameters,
        searchUsesLatency,
        (base, given) -> Floors.smallest(base, prunes, integer(given, "alignment")));
  }

  public Optional<ParameterDescriptor> parameter(String name) {
    return parameters.stream().filter(parameter -> parameter.name().equals(name)).findFirst();
  }

  /** Default values by name. */
  public Map<String, Object> defaults() {
    Map<String, Object> defaults = new TreeMap<>();
    parameters.forEach(parameter -> defaults.put(parameter.name(), parameter.defaultValue()));
    return defaults;
  }

  /** The given parameters that belong to one phase, defaults filled in, sorted by name. */
  public Map<String, Object> parameters(ParameterPhase phase, Map<String, Object> given) {
    Map<String, Object> values = new TreeMap<>();
    for (ParameterDescriptor parameter : parameters) {
      if (parameter.phase() == phase) {
        values.put(
            parameter.name(), given.getOrDefault(parameter.name(), parameter.defaultValue()));
      }
    }
    return values;
  }

  /**
   * Whether it removes anything. A control that does not has one cell in a sweep, at a keep ratio
   * of 1, whatever the targets.
   */
  public boolean cuts() {
    return !prunes.isEmpty();
  }

  /**
   * Whether kept units may be redistributed: the plan is a choice of the base's widths, and nothing
   * but the base's weights goes into what is left.
   */
  public boolean redistributable() {
    return cuts()
        && UnitKind.WIDTHS.containsAll(prunes)
        && !outputs.contains(SearchOutput.TENSORS)
        && !outputs.contains(SearchOutput.FRESH_WEIGHTS);
  }

  /** Whether the search leaves full-size weights that the cut is made from. */
  public boolean bringsWeights() {
    return outputs.contains(SearchOutput.WEIGHTS) || outputs.contains(SearchOutput.FRESH_WEIGHTS);
  }

  /**
   * The smallest keep ratio that this method can reach on {@code base}; 0 for latency, whose floor
   * only a measured table knows.
   *
   * @param given parameters; what is missing has its default
   */
  public double floor(VitArchitecture base, TargetKind kind, Map<String, Object> given) {
    return kind == TargetKind.LATENCY
        ? 0
        : Cost.of(smallest(base, given)).keepRatio(Cost.of(base), kind);
  }

  /** The same with all parameters at their defaults. */
  public double floor(VitArchitecture base, TargetKind kind) {
    return floor(base, kind, Map.of());
  }

  /** The cheapest model that this method can leave of {@code base}. */
  public VitArchitecture smallest(VitArchitecture base, Map<String, Object> given) {
    Map<String, Object> all = defaults();
    all.putAll(given);
    return smallest.of(base, all);
  }

  static int integer(Map<String, Object> parameters, String name) {
    return ((Number) parameters.get(name)).intValue();
  }
}
