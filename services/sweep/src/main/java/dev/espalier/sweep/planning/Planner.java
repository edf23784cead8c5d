package dev.espalier.sweep.planning;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.method.ParameterPhase;
import dev.espalier.architecture.method.SearchKind;
import dev.espalier.architecture.method.SearchOutput;
import dev.espalier.architecture.redistribution.Redistribution;
import dev.espalier.architecture.redistribution.Redistributions;
import dev.espalier.sweep.spec.MethodChoice;
import dev.espalier.sweep.spec.Strategy;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.Then;
import dev.espalier.sweep.strategy.KeepRatios;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Unfolds a spec into trials and their stages: search, prune, redistribute, finetune, evaluate. A
 * pure function: the same spec, inputs, run and engine give the same plan on every machine.
 *
 * <p>Stages are named by what they compute. A shared search serves every target and policy, a
 * search per target every policy; a chained one (NViT) is cut at a fixed grid of keep ratios, not
 * at one sweep's targets, so that any sweep's smaller target continues from the links of a larger
 * one.
 */
public final class Planner {

  /** Distance of the links of a chained search. */
  static final double GRID_STEP = 0.05;

  private static final int GRID = 20;

  /** Of the evaluate stage; 2 measures ONNX Runtime too. */
  private static final int EVALUATE_VERSION = 2;

  /** Timed runs of each shape of a latency table. */
  private static final int TABLE_RUNS = 7;

  /** The evaluate stage without speed: it needs no host for itself. */
  static final String ACCURACY = "accuracy";

  private static final int ACCURACY_VERSION = 1;

  private final SweepSpec spec;
  private final ResolvedInputs inputs;
  private final Engine engine;
  private final String scope;
  private final OutsideInput base;
  private final OutsideInput dataset;

  private Planner(SweepSpec spec, ResolvedInputs inputs, String sweepId, Engine engine) {
    this.spec = spec;
    this.inputs = inputs;
    this.engine = engine.on(spec.recipe().device());
    this.scope = spec.cache() ? "team:" + spec.team() : "sweep:" + sweepId;
    this.base = new OutsideInput("base", spec.model(), inputs.model());
    this.dataset = new OutsideInput("dataset", spec.dataset(), inputs.dataset());
  }

  /**
   * Plans a sweep.
   *
   * @param run 0 for the first; another number makes another sweep that reuses its stages
   */
  public static SweepPlan plan(SweepSpec spec, ResolvedInputs inputs, int run, Engine engine) {
    String sweepId = sweepId(spec, inputs, run);
    Planner planner = new Planner(spec, inputs, sweepId, engine);
    List<Cell> cells = planner.cells();
    List<Trial> trials = new ArrayList<>();
    for (Cell cell : cells) {
      String cellId = cell.id();
      for (long seed : spec.seeds()) {
        trials.add(
            new Trial(
                "%s-%s-s%d".formatted(sweepId, cellId, seed),
                cellId,
                cell,
                seed,
                planner.walk(cell, seed)));
      }
    }
    return new SweepPlan(sweepId, spec, run, inputs, cells, trials);
  }

  /** Names a sweep by its team, its canonical spec, what the names stood for, and the run. */
  public static String sweepId(SweepSpec spec, ResolvedInputs inputs, int run) {
    Map<String, Object> identity = new TreeMap<>();
    identity.put("team", spec.team());
    identity.put("spec", spec.toTree());
    identity.put("model", inputs.model().sha256());
    identity.put("dataset", inputs.dataset().sha256());
    identity.put("run", run);
    return Json.sha256(identity).substring(0, 16);
  }

  private List<Cell> cells() {
    List<Cell> cells = new ArrayList<>();
    for (MethodChoice method : spec.methods()) {
      if (!Methods.get(method.name()).cuts()) {
        cells.add(cell(method, Redistributions.NONE, TargetKind.MACS, 1));
        continue;
      }
      for (String policy : method.redistribution()) {
        for (TargetKind kind : TargetKind.values()) {
          for (double ratio : candidates(spec.targets().of(kind))) {
            cells.add(cell(method, policy, kind, ratio));
          }
        }
      }
    }
    return cells;
  }

  /** The targets themselves, or all that a bisection may try. */
  private List<Double> candidates(List<Double> targets) {
    return spec.strategy() instanceof Strategy.Bisection bisection && targets.size() == 2
        ? KeepRatios.between(targets.get(0), targets.get(1), bisection.tolerance())
        : targets;
  }

  private static Cell cell(MethodChoice choice, String policy, TargetKind kind, double ratio) {
    return new Cell(choice.name(), choice.parameters(), policy, kind, ratio, choice.then());
  }

  /**
   * The walk of one method; where another follows, it starts from what the first one's finetune
   * recovered, and its keep ratio is still one of the whole base: workers know what is left of it.
   */
  private List<PlannedStage> walk(Cell cell, long seed) {
    List<PlannedStage> stages = new ArrayList<>();
    if (cell.then().isEmpty()) {
      leg(stages, cell, seed, List.of());
      return stages;
    }
    Then then = cell.then().get();
    Cell first =
        new Cell(
            cell.method(),
            cell.parameters(),
            cell.redistribution(),
            cell.targetKind(),
            then.first(cell.keepRatio()));
    leg(stages, first, seed, List.of());
    PlannedStage recovered = stages.get(stages.size() - 2);
    stages.remove(stages.size() - 1); // only what comes out in the end is evaluated
    Cell second =
        new Cell(
            then.name(),
            then.parameters(),
            Redistributions.NONE,
            cell.targetKind(),
            cell.keepRatio());
    leg(stages, second, seed, List.of(new StageInput("start", recovered.stageId(), "model")));
    return stages;
  }

  /** Adds search, prune, redistribute, finetune, evaluate of one method. */
  private void leg(List<PlannedStage> stages, Cell cell, long seed, List<StageInput> start) {
    MethodDescriptor method = Methods.get(cell.method());
    boolean timed = cell.targetKind() == TargetKind.LATENCY;
    List<StageInput> table = List.of();
    if (timed || method.searchUsesLatency()) {
      PlannedStage measured = latencyTable();
      stages.add(measured);
      table = List.of(new StageInput("latency", measured.stageId(), "latency"));
    }
    switch (method.search()) {
      case SHARED -> stages.add(search(method, cell, seed, Map.of(), start));
      case PER_TARGET ->
          stages.add(
              search(
                  method,
                  cell,
                  seed,
                  Map.of("targetKind", cell.targetKind().text(), "keepRatio", cell.keepRatio()),
                  start));
      case CHAINED -> stages.addAll(chain(method, cell, seed, table));
    }
    PlannedStage search = last(stages);
    StageInput importance = new StageInput("importance", search.stageId(), "importance");

    List<StageInput> forPrune = new ArrayList<>(start);
    forPrune.add(importance);
    forPrune.addAll(table);
    if (method.outputs().contains(SearchOutput.FINDINGS)) {
      String findings = findings(method);
      forPrune.add(new StageInput(findings, search.stageId(), findings));
    }
    Map<String, Object> prune =
        new TreeMap<>(method.parameters(ParameterPhase.PRUNE, cell.parameters()));
    prune.put("targetKind", cell.targetKind().text());
    prune.put("keepRatio", cell.keepRatio());
    PlannedStage pruned =
        stage(
            StageKind.PRUNE,
            method.name(),
            method.version(),
            prune,
            0,
            forPrune,
            List.of(base),
            Numerics.HOST);
    stages.add(pruned);

    List<StageInput> plans = new ArrayList<>(start);
    if (cell.redistribution().equals(Redistributions.NONE)) {
      plans.add(new StageInput("plan", pruned.stageId(), "plan"));
    } else {
      PlannedStage redistributed =
          redistribution(cell, pruned, importance, timed ? table : List.of());
      stages.add(redistributed);
      plans.add(new StageInput("plan", redistributed.stageId(), "plan"));
      plans.add(new StageInput("prunedPlan", pruned.stageId(), "plan"));
    }
    if (method.bringsWeights()) {
      plans.add(new StageInput("weights", search.stageId(), "weights"));
    }
    if (method.outputs().contains(SearchOutput.TENSORS)) {
      plans.add(new StageInput("tensors", pruned.stageId(), "tensors"));
    }

    PlannedStage finetune =
        stage(
            StageKind.FINETUNE,
            "finetune",
            1,
            recipe(method, cell),
            seed,
            plans,
            List.of(base, dataset),
            engine.numerics(spec.recipe().precision(), spec.recipe().threads()));
    stages.add(finetune);
    List<StageInput> forEvaluation = new ArrayList<>(plans);
    forEvaluation.addAll(table);
    stages.add(evaluation(finetune, forEvaluation, spec.seeds().indexOf(seed)));
  }

  /**
   * Measures latencies of the base's shape; of its identity are the conditions, the place and the
   * shape, not the weights, so that one table serves every model of that shape.
   */
  private PlannedStage latencyTable() {
    if (inputs.base() == null) {
      throw new IllegalStateException(
          "expected the base's shape, of which a latency table is measured, but the sweep was"
              + " accepted before shapes were recorded; submit it as another run");
    }
    Map<String, Object> parameters = spec.evaluation().placement();
    parameters.put("shape", inputs.base().toJson());
    parameters.put("runtime", spec.targets().latencyRuntime());
    parameters.put("batchSize", spec.targets().latencyBatchSize());
    parameters.put("runs", TABLE_RUNS);
    parameters.put("device", engine.deviceKind());
    return stage(
        StageKind.EVALUATE,
        "latency-table",
        LatencyTable.VERSION,
        parameters,
        0,
        List.of(),
        List.of(),
        engine.numerics(spec.recipe().precision(), spec.recipe().threads()));
  }

  /** The sweep's recipe; a control may train for longer. */
  private Map<String, Object> recipe(MethodDescriptor method, Cell cell) {
    Map<String, Object> recipe = spec.recipe().toTree();
    recipe.remove("device"); // It is among the numerics.
    Object times = method.parameters(ParameterPhase.FINETUNE, cell.parameters()).get("epochsTimes");
    if (times instanceof Number factor) {
      recipe.put("epochs", spec.recipe().epochs() * factor.intValue());
    }
    return recipe;
  }

  /** What a search's findings are called between stages. */
  private static String findings(MethodDescriptor method) {
    return method.search() == SearchKind.CHAINED ? "trajectory" : "findings";
  }

  /** One search; {@code target} is empty where it serves all of them. */
  private PlannedStage search(
      MethodDescriptor method,
      Cell cell,
      long seed,
      Map<String, Object> target,
      List<StageInput> start) {
    Map<String, Object> parameters =
        new TreeMap<>(method.parameters(ParameterPhase.SEARCH, cell.parameters()));
    parameters.putAll(target);
    return stage(
        StageKind.SEARCH,
        method.name(),
        method.version(),
        parameters,
        method.searchUsesSeed() ? seed : 0,
        start,
        method.searchUsesDataset() ? List.of(base, dataset) : List.of(base),
        method.searchUsesDataset()
            ? engine.numerics(spec.recipe().precision(), spec.recipe().threads())
            : Numerics.HOST);
  }

  /** Links 1 -> 0.95 -> ... -> target; the last is shorter for a target between grid points. */
  private List<PlannedStage> chain(
      MethodDescriptor method, Cell cell, long seed, List<StageInput> table) {
    List<PlannedStage> links = new ArrayList<>();
    double from = 1;
    for (double to : gridDownTo(cell.keepRatio())) {
      Map<String, Object> parameters =
          new TreeMap<>(method.parameters(ParameterPhase.SEARCH, cell.parameters()));
      parameters.put("targetKind", cell.targetKind().text());
      parameters.put("keepRatioFrom", from);
      parameters.put("keepRatioTo", to);
      List<StageInput> reads = new ArrayList<>(table);
      if (!links.isEmpty()) {
        reads.add(new StageInput("trajectory", last(links).stageId(), "trajectory"));
      }
      links.add(
          stage(
              StageKind.SEARCH,
              method.name(),
              method.version(),
              parameters,
              method.searchUsesSeed() ? seed : 0,
              reads,
              List.of(base, dataset),
              engine.numerics(spec.recipe().precision(), spec.recipe().threads())));
      from = to;
    }
    return links;
  }

  /** Grid points above the target, largest first, then the target itself. */
  static List<Double> gridDownTo(double keepRatio) {
    List<Double> points = new ArrayList<>();
    for (int i = GRID - 1; i > 0 && (double) i / GRID > keepRatio + 1e-9; i--) {
      points.add((double) i / GRID);
    }
    points.add(keepRatio);
    return points;
  }

  private PlannedStage redistribution(
      Cell cell, PlannedStage pruned, StageInput importance, List<StageInput> table) {
    Redistribution policy = Redistributions.get(cell.redistribution());
    Map<String, Object> parameters = new TreeMap<>();
    parameters.put("targetKind", cell.targetKind().text());
    parameters.put("alignment", pruned.spec().parameters().get("alignment"));
    List<StageInput> reads = new ArrayList<>(table);
    reads.add(new StageInput("plan", pruned.stageId(), "plan"));
    reads.add(importance);
    return stage(
        StageKind.REDISTRIBUTE,
        policy.name(),
        policy.version(),
        parameters,
        0,
        reads,
        List.of(),
        Numerics.HOST);
  }

  private PlannedStage evaluation(PlannedStage finetune, List<StageInput> plans, int seedIndex) {
    boolean timed = spec.evaluation().timed(seedIndex);
    Map<String, Object> parameters = timed ? spec.evaluation().measuring() : new TreeMap<>();
    parameters.put("device", engine.deviceKind());
    List<StageInput> reads = new ArrayList<>(plans);
    reads.add(new StageInput("model", finetune.stageId(), "model"));
    reads.add(new StageInput("unrecovered", finetune.stageId(), "unrecovered"));
    return stage(
        StageKind.EVALUATE,
        timed ? "evaluate" : ACCURACY,
        timed ? EVALUATE_VERSION : ACCURACY_VERSION,
        parameters,
        0,
        reads,
        List.of(base, dataset),
        engine.numerics(spec.recipe().precision(), spec.recipe().threads()));
  }

  private PlannedStage stage(
      StageKind kind,
      String algorithm,
      int version,
      Map<String, Object> parameters,
      long seed,
      List<StageInput> stageInputs,
      List<OutsideInput> outside,
      Numerics numerics) {
    return PlannedStage.of(
        new StageSpec(
            kind, algorithm, version, parameters, seed, stageInputs, outside, numerics, scope));
  }

  private static PlannedStage last(List<PlannedStage> stages) {
    return stages.get(stages.size() - 1);
  }
}
