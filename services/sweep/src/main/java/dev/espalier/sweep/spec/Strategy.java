package dev.espalier.sweep.spec;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How the cells of a sweep are searched. */
public sealed interface Strategy {

  List<String> NAMES = List.of("grid", "random", "asha", "bisection");

  String name();

  /** Parameters by name; empty for those that have none. */
  Map<String, Object> parameters();

  /** The form in a sweep: the name alone where there is nothing more to say. */
  default Object toTree() {
    if (parameters().isEmpty()) {
      return name();
    }
    Map<String, Object> tree = new TreeMap<>(parameters());
    tree.put("name", name());
    return tree;
  }

  /** Every cell, with every seed. */
  record Grid() implements Strategy {
    @Override
    public String name() {
      return "grid";
    }

    @Override
    public Map<String, Object> parameters() {
      return Map.of();
    }
  }

  /**
   * Some cells of the grid, drawn without repeats; each with every seed.
   *
   * @param samples cells to draw
   * @param seed of the draw
   */
  record Random(int samples, long seed) implements Strategy {
    @Override
    public String name() {
      return "random";
    }

    @Override
    public Map<String, Object> parameters() {
      return Map.of("samples", samples, "seed", seed);
    }
  }

  /**
   * Asynchronous successive halving (Li et al., MLSys 2020) over epochs of recovery: every cell
   * trains for {@code minEpochs}, and of those that answer the same target the best 1/eta train on,
   * to eta times as many epochs, and so on up to the epochs of the recipe.
   *
   * @param minEpochs epochs of the first rung, below those of the recipe
   * @param eta in [2, 10]
   */
  record Halving(int minEpochs, int eta) implements Strategy {
    @Override
    public String name() {
      return "asha";
    }

    @Override
    public Map<String, Object> parameters() {
      return Map.of("minEpochs", minEpochs, "eta", eta);
    }
  }

  /**
   * For each method, policy and seed the smallest keep ratio whose model loses at most {@code
   * maxLoss} of top-1 against the base, one trial after the other. The sweep's targets are the
   * smallest and the largest keep ratio to try.
   *
   * @param maxLoss share of images, in (0, 1)
   * @param tolerance distance of neighbouring keep ratios
   */
  record Bisection(double maxLoss, double tolerance) implements Strategy {
    @Override
    public String name() {
      return "bisection";
    }

    @Override
    public Map<String, Object> parameters() {
      return Map.of("maxLoss", maxLoss, "tolerance", tolerance);
    }
  }
}
