package dev.espalier.sweep.planning;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.Methods;
import dev.espalier.sweep.spec.SweepSpecCheck;
import dev.espalier.sweep.spec.Violation;
import dev.espalier.sweep.strategy.SearchSize;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a sweep would do, for people, before anything runs.
 *
 * @param sweepId the sweep that submitting the same spec makes
 * @param cells one forecast each
 * @param trials cells times seeds
 * @param kinds stages by kind, in the order of the walk
 * @param merged stages that several trials share, most shared first
 * @param refusals targets below a floor; a sweep with any is refused
 * @param strategy how cells are searched
 * @param search how much of the plan runs
 * @param deviceTime empty when the dataset's size is not known
 */
public record PlanPreview(
    String sweepId,
    List<CellForecast> cells,
    int trials,
    List<KindCount> kinds,
    List<MergedStage> merged,
    List<Violation> refusals,
    String strategy,
    SearchSize search,
    Optional<DeviceTime> deviceTime) {

  public PlanPreview {
    cells = List.copyOf(cells);
    kinds = List.copyOf(kinds);
    merged = List.copyOf(merged);
    refusals = List.copyOf(refusals);
  }

  /**
   * What is known of a cell before it runs. The cost that the target is about is known within 1 %;
   * the other follows from the cut.
   *
   * @param params predicted parameters, where known
   * @param macs predicted multiply-accumulates, where known
   * @param floor the smallest keep ratio that the method reaches on this base; 0 for latency, where
   *     it is known once a table is measured
   */
  public record CellForecast(
      String cellId, Cell cell, Optional<Long> params, Optional<Long> macs, double floor) {}

  /**
   * Stages of one kind.
   *
   * @param asked over all trials
   * @param distinct that run
   */
  public record KindCount(StageKind kind, int asked, int distinct) {}

  /**
   * A stage that runs once for several trials.
   *
   * @param title for instance "search nvit 0.95 -> 0.9"
   */
  public record MergedStage(String stageId, StageKind kind, String title, int trials) {}

  /**
   * Seconds of one device.
   *
   * @param seconds of all distinct stages
   * @param low the estimate over {@link StepTimes#band}
   * @param high the estimate times {@link StepTimes#band}
   * @param withoutSharing what it would be if every trial ran its own stages
   * @param assumptions what the estimate rests on, in words
   */
  public record DeviceTime(
      double seconds, double low, double high, double withoutSharing, String assumptions) {}

  /** Previews a plan; without a dataset's size there is no estimate of time. */
  public static PlanPreview of(SweepPlan plan, Optional<DatasetSize> data) {
    return new PlanPreview(
        plan.sweepId(),
        plan.cells().stream().map(cell -> forecast(cell, plan)).toList(),
        plan.trials().size(),
        kinds(plan),
        merged(plan),
        SweepSpecCheck.floors(plan.spec(), plan.inputs().base()),
        plan.spec().strategy().name(),
        SearchSize.of(plan.spec()),
        data.map(size -> deviceTime(plan, size, StepTimes.ASSUMED)));
  }

  private static CellForecast forecast(Cell cell, SweepPlan plan) {
    Cost base = Cost.of(plan.inputs().base());
    boolean whole = cell.keepRatio() == 1;
    long wanted =
        TargetKind.COUNTED.contains(cell.targetKind())
            ? Math.round(cell.keepRatio() * base.of(cell.targetKind()))
            : 0;
    return new CellForecast(
        cell.id(),
        cell,
        cell.targetKind() == TargetKind.PARAMS || whole
            ? Optional.of(whole ? base.params() : wanted)
            : Optional.empty(),
        cell.targetKind() == TargetKind.MACS || whole
            ? Optional.of(whole ? base.macs() : wanted)
            : Optional.empty(),
        Methods.get(cell.method())
            .floor(plan.inputs().base(), cell.targetKind(), cell.parameters()));
  }

  private static List<KindCount> kinds(SweepPlan plan) {
    Map<StageKind, Integer> asked = new EnumMap<>(StageKind.class);
    Map<StageKind, Integer> distinct = new EnumMap<>(StageKind.class);
    plan.trials().stream()
        .flatMap(trial -> trial.stages().stream())
        .forEach(stage -> asked.merge(stage.spec().kind(), 1, Integer::sum));
    plan.distinctStages().forEach(stage -> distinct.merge(stage.spec().kind(), 1, Integer::sum));
    return asked.entrySet().stream()
        .map(entry -> new KindCount(entry.getKey(), entry.getValue(), distinct.get(entry.getKey())))
        .toList();
  }

  private static List<MergedStage> merged(SweepPlan plan) {
    Map<String, Integer> trials = new LinkedHashMap<>();
    plan.trials().stream()
        .flatMap(trial -> trial.stages().stream())
        .forEach(stage -> trials.merge(stage.stageId(), 1, Integer::sum));
    List<MergedStage> merged = new ArrayList<>();
    for (PlannedStage stage : plan.distinctStages()) {
      int sharers = trials.get(stage.stageId());
      if (sharers > 1) {
        merged.add(
            new MergedStage(stage.stageId(), stage.spec().kind(), stage.spec().title(), sharers));
      }
    }
    merged.sort((a, b) -> Integer.compare(b.trials(), a.trials()));
    return merged;
  }

  private static DeviceTime deviceTime(SweepPlan plan, DatasetSize data, StepTimes times) {
    Map<String, Double> distinct = new LinkedHashMap<>();
    double all = 0;
    for (Trial trial : plan.trials()) {
      for (PlannedStage stage : trial.stages()) {
        double seconds =
            distinct.computeIfAbsent(
                stage.stageId(),
                id ->
                    times.seconds(
                        stage.spec(),
                        plan.spec().recipe(),
                        plan.inputs().base(),
                        data,
                        trial.cell().keepRatio()));
        all += seconds;
      }
    }
    double seconds = distinct.values().stream().mapToDouble(Double::doubleValue).sum();
    return new DeviceTime(
        seconds, seconds / times.band(), seconds * times.band(), all, times.inWords());
  }

  /** The tree form, for JSON output. */
  public Map<String, Object> toTree() {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("sweepId", sweepId);
    tree.put("trials", trials);
    tree.put(
        "search",
        Map.of(
            "strategy", strategy,
            "trialsAtMost", search.trials(),
            "trialsExpected", search.expectedTrials(),
            "epochsAtMost", search.epochs(),
            "epochsExpected", search.expectedEpochs(),
            "inWords", search.inWords()));
    tree.put("cells", cells.stream().map(PlanPreview::tree).toList());
    tree.put(
        "stages",
        kinds.stream()
            .map(
                count ->
                    Map.<String, Object>of(
                        "kind", count.kind().text(),
                        "asked", count.asked(),
                        "distinct", count.distinct()))
            .toList());
    tree.put(
        "merged",
        merged.stream()
            .map(
                stage ->
                    Map.<String, Object>of(
                        "stageId", stage.stageId(),
                        "kind", stage.kind().text(),
                        "title", stage.title(),
                        "trials", stage.trials()))
            .toList());
    tree.put(
        "refusals",
        refusals.stream()
            .map(
                violation ->
                    Map.<String, Object>of(
                        "field", violation.field(),
                        "expected", violation.expected(),
                        "found", violation.found()))
            .toList());
    deviceTime.ifPresent(
        time ->
            tree.put(
                "deviceSeconds",
                Map.of(
                    "estimate", time.seconds(),
                    "low", time.low(),
                    "high", time.high(),
                    "withoutSharing", time.withoutSharing(),
                    "assumptions", time.assumptions())));
    return tree;
  }

  private static Map<String, Object> tree(CellForecast forecast) {
    Cell cell = forecast.cell();
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("cellId", forecast.cellId());
    tree.put("title", cell.title());
    tree.put("method", cell.method());
    tree.put("parameters", cell.parameters());
    cell.then().ifPresent(then -> tree.put("then", then.toTree()));
    tree.put("redistribution", cell.redistribution());
    tree.put("targetKind", cell.targetKind().text());
    tree.put("keepRatio", cell.keepRatio());
    forecast.params().ifPresent(params -> tree.put("params", params));
    forecast.macs().ifPresent(macs -> tree.put("macs", macs));
    tree.put("floor", forecast.floor());
    return tree;
  }
}
