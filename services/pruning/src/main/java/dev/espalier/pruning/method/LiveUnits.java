package dev.espalier.pruning.method;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which units of a base model still live, while a planner or a search removes them. Mutable. */
public final class LiveUnits {

  private final VitArchitecture base;
  private final Map<Pool, boolean[]> live = new LinkedHashMap<>();

  /**
   * All units of the base live.
   *
   * @throws IllegalArgumentException for a base whose branches read or write some residual channels
   *     only: its widths were chosen by another method
   */
  public LiveUnits(VitArchitecture base) {
    this.base = base;
    for (int l = 0; l < base.depth(); l++) {
      if (!base.blocks().get(l).wiring().isAll()) {
        throw new IllegalArgumentException(
            "block %d must read and write all residual channels but has a wiring".formatted(l));
      }
    }
    for (Pool pool : Pool.of(base)) {
      boolean[] all = new boolean[pool.width(base)];
      Arrays.fill(all, true);
      live.put(pool, all);
    }
  }

  /** An independent copy. */
  public LiveUnits copy() {
    LiveUnits copy = new LiveUnits(base);
    live.forEach((pool, units) -> copy.live.put(pool, units.clone()));
    return copy;
  }

  public VitArchitecture base() {
    return base;
  }

  /** All pools, in the order of {@link Pool#of}. */
  public List<Pool> pools() {
    return List.copyOf(live.keySet());
  }

  public boolean isLive(Pool pool, int unit) {
    return live.get(pool)[unit];
  }

  /** Indices of the live units, ascending. */
  public List<Integer> units(Pool pool) {
    List<Integer> indices = new ArrayList<>();
    boolean[] units = live.get(pool);
    for (int i = 0; i < units.length; i++) {
      if (units[i]) {
        indices.add(i);
      }
    }
    return indices;
  }

  /** How many units of the pool live. */
  public int count(Pool pool) {
    int count = 0;
    for (boolean unit : live.get(pool)) {
      count += unit ? 1 : 0;
    }
    return count;
  }

  /** Takes units out; those that are out stay out. */
  public void remove(Pool pool, List<Integer> units) {
    units.forEach(unit -> live.get(pool)[unit] = false);
  }

  /** Brings units back. */
  public void revive(Pool pool, List<Integer> units) {
    units.forEach(unit -> live.get(pool)[unit] = true);
  }

  /** Shape of the model that would be left. */
  public VitArchitecture shape() {
    return shape(null, 0);
  }

  /** Cost of what would be left. */
  public Cost cost() {
    return Cost.of(shape());
  }

  /** What would be left, as the budget counts it. */
  public long cost(Budget budget) {
    return budget.of(shape());
  }

  /** Shape of the model if that many more units of the pool were out. */
  public VitArchitecture shapeWithout(Pool pool, int units) {
    return shape(pool, units);
  }

  private VitArchitecture shape(Pool less, int units) {
    List<BlockShape> blocks = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      int mlp = width(new Pool(UnitKind.MLP, l), less, units);
      BlockShape widths =
          shape.attention() == AttentionKind.MSA
              ? BlockShape.msa(
                  width(new Pool(UnitKind.HEAD, l), less, units),
                  width(new Pool(UnitKind.QK, l), less, units),
                  width(new Pool(UnitKind.V, l), less, units),
                  mlp)
              : new BlockShape(
                  shape.attention(), shape.heads(), shape.qkWidth(), shape.vWidth(), mlp);
      blocks.add(widths.with(shape.tokens()));
    }
    Pool embedding = new Pool(UnitKind.EMBEDDING, Pool.EVERYWHERE);
    return base.withWidths(width(embedding, less, units), blocks);
  }

  private int width(Pool pool, Pool less, int units) {
    return count(pool) - (pool.equals(less) ? units : 0);
  }

  /** What is left, as a plan. */
  public PruningPlan plan() {
    List<BlockPlan> blocks = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      List<Integer> mlp = units(new Pool(UnitKind.MLP, l));
      AttentionKind attention = base.blocks().get(l).attention();
      blocks.add(
          attention == AttentionKind.MSA
              ? BlockPlan.aligned(
                  units(new Pool(UnitKind.HEAD, l)),
                  units(new Pool(UnitKind.QK, l)),
                  units(new Pool(UnitKind.V, l)),
                  mlp)
              : new BlockPlan(true, attention, List.of(), mlp));
    }
    return new PruningPlan(base, units(new Pool(UnitKind.EMBEDDING, Pool.EVERYWHERE)), blocks);
  }
}
