package dev.espalier.sweep.spec;

import dev.espalier.architecture.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A valid request for a sweep with all defaults filled in. {@link SweepSpecReader} makes it; its
 * canonical JSON names it.
 *
 * @param name for people
 * @param team that owns the sweep
 * @param model name of the registered model that is pruned
 * @param dataset name of the registered dataset
 * @param methods to compare
 * @param targets to reach
 * @param seeds repeats of each cell
 * @param recipe how accuracy is recovered
 * @param evaluation how models are measured
 * @param strategy how its cells are searched
 * @param stop when a trial is stopped before its recovery is over
 * @param priority -100..100, higher goes first
 * @param cache whether stages of other sweeps may be reused
 * @param caps when the sweep stops by itself
 */
public record SweepSpec(
    String name,
    String team,
    String model,
    String dataset,
    List<MethodChoice> methods,
    Targets targets,
    List<Long> seeds,
    Recipe recipe,
    Evaluation evaluation,
    Strategy strategy,
    StoppingRule stop,
    int priority,
    boolean cache,
    Caps caps) {

  public SweepSpec {
    methods = List.copyOf(methods);
    seeds = List.copyOf(seeds);
  }

  /** The tree form; reading it back gives an equal spec. */
  public Map<String, Object> toTree() {
    List<Object> choices = new ArrayList<>();
    for (MethodChoice method : methods) {
      Map<String, Object> choice = new TreeMap<>();
      choice.put("name", method.name());
      choice.put("parameters", method.parameters());
      choice.put("redistribution", method.redistribution());
      method.then().ifPresent(then -> choice.put("then", then.toTree()));
      choices.add(choice);
    }
    Map<String, Object> tree = new TreeMap<>();
    tree.put("name", name);
    tree.put("team", team);
    tree.put("model", model);
    tree.put("dataset", dataset);
    tree.put("methods", choices);
    tree.put("targets", targets.toTree());
    tree.put("seeds", seeds);
    tree.put("recipe", recipe.toTree());
    tree.put("evaluation", evaluation.toTree());
    tree.put("strategy", strategy.toTree());
    tree.put("priority", priority);
    tree.put("cache", cache ? "on" : "off");
    if (!caps.equals(Caps.NONE)) {
      // Left out otherwise, so that sweeps from before there were caps keep their names.
      tree.put("caps", caps.toTree());
    }
    if (!(stop instanceof StoppingRule.None)) {
      tree.put("stop", stop.toTree()); // left out otherwise, for the same reason
    }
    return tree;
  }

  /** Canonical JSON with defaults filled in: equal requests, and only they, have equal text. */
  public String canonicalJson() {
    return Json.canonical(toTree());
  }
}
