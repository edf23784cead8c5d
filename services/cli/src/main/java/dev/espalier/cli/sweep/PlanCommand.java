package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.cli.BadInput;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.registry.Shipped;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Table;
import dev.espalier.cli.text.Units;
import dev.espalier.sweep.planning.ArtifactPointer;
import dev.espalier.sweep.planning.Cell;
import dev.espalier.sweep.planning.Engine;
import dev.espalier.sweep.planning.PlannedStage;
import dev.espalier.sweep.planning.Planner;
import dev.espalier.sweep.planning.ResolvedInputs;
import dev.espalier.sweep.planning.StageKind;
import dev.espalier.sweep.planning.SweepPlan;
import dev.espalier.sweep.planning.Trial;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.SweepSpecCheck;
import dev.espalier.sweep.spec.Violation;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what a sweep would do. */
@Command(
    name = "plan",
    description = {
      "Show cells, trials and stages of a sweep, and which stages are shared, without running it.",
      "Needs no running service: then it knows the shipped model and dataset only."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  espalier plan sweep.yaml", "  espalier plan sweep.yaml -o json"})
public final class PlanCommand implements Callable<Integer> {

  private static final String UNKNOWN_TYPE = "application/octet-stream";

  @Mixin private Context context;

  @Parameters(paramLabel = "FILE", description = "The sweep as YAML or JSON; - for standard input.")
  private Path file;

  @Option(names = "--run", paramLabel = "N", defaultValue = "0", description = "Number of the run.")
  private int run;

  /** A registered file. */
  private record Registered(ArtifactPointer artifact, JsonNode entry, byte[] bytes) {}

  @Override
  public Integer call() {
    SweepSpec spec = SweepFile.read(file).spec();
    Optional<Scheduler> scheduler =
        context.remote()
            ? Optional.of(context.scheduler())
            : context.local().server().map(Scheduler::new);
    List<Violation> violations = new ArrayList<>();
    Optional<Registered> model = find(scheduler, "models", "model", spec.model(), violations);
    Optional<Registered> dataset =
        find(scheduler, "datasets", "dataset", spec.dataset(), violations);
    Optional<VitArchitecture> base = model.map(PlanCommand::shape);
    base.ifPresent(shape -> violations.addAll(SweepSpecCheck.floors(spec, shape)));
    if (!violations.isEmpty()) {
      throw new BadInput(violations);
    }
    SweepPlan plan =
        Planner.plan(
            spec,
            new ResolvedInputs(
                model.orElseThrow().artifact(),
                base.orElseThrow(),
                dataset.orElseThrow().artifact()),
            run,
            Engine.CPU);
    if (context.json()) {
      context.printJson(tree(plan));
    } else {
      print(plan);
    }
    return ExitCode.DONE;
  }

  private static Optional<Registered> find(
      Optional<Scheduler> scheduler,
      String collection,
      String field,
      String name,
      List<Violation> violations) {
    if (scheduler.isPresent()) {
      Optional<JsonNode> entry =
          scheduler.get().find("/" + collection + "/" + Scheduler.encoded(name));
      if (entry.isPresent()) {
        return entry.map(
            tree ->
                new Registered(
                    new ArtifactPointer(
                        tree.path("sha256").asText(),
                        tree.path("sizeBytes").asLong(),
                        UNKNOWN_TYPE),
                    tree,
                    null));
      }
    }
    Optional<Shipped> shipped = Shipped.find(collection, name);
    if (shipped.isPresent()) {
      byte[] bytes = shipped.get().read(Context.home());
      return Optional.of(
          new Registered(
              new ArtifactPointer(Shipped.sha256(bytes), bytes.length, UNKNOWN_TYPE), null, bytes));
    }
    List<String> known = new ArrayList<>();
    Shipped.ALL.stream()
        .filter(item -> item.collection().equals(collection))
        .forEach(item -> known.add(item.name()));
    scheduler.ifPresent(
        there ->
            there.get("/" + collection).forEach(tree -> known.add(tree.path("name").asText())));
    violations.add(SweepSpecCheck.unregistered(field, field, name, known));
    return Optional.empty();
  }

  private static VitArchitecture shape(Registered model) {
    try {
      return VitArchitecture.fromJson(
          model.entry() != null
              ? model.entry().path("architecture").toString()
              : ReportFiles.architecture(new ByteArrayInputStream(model.bytes())).toString());
    } catch (IOException e) {
      throw new IllegalStateException("the shipped model has no readable header", e);
    }
  }

  private static void print(SweepPlan plan) {
    Cost base = Cost.of(plan.inputs().base());
    System.out.printf(
        "sweep %s  %s: %s, %s%n",
        plan.sweepId(),
        plan.spec().name(),
        Units.plural(plan.cells().size(), "cell"),
        Units.plural(plan.trials().size(), "trial"));
    System.out.printf(
        "base  %s: %s params, %s MACs%n%n",
        plan.spec().model(), Units.count(base.params()), Units.count(base.macs()));
    Table cells = new Table("cell", "configuration", "seeds", "stages", "budget");
    for (Cell cell : plan.cells()) {
      List<Trial> trials =
          plan.trials().stream().filter(trial -> trial.cellId().equals(cell.id())).toList();
      cells.row(
          cell.id(),
          cell.title(),
          trials.size(),
          trials.stream().mapToInt(trial -> trial.stages().size()).sum(),
          Units.count(cell.keepRatio() * base.of(cell.targetKind()))
              + (cell.targetKind() == TargetKind.MACS ? " MACs" : " params"));
    }
    cells.lines().forEach(System.out::println);
    System.out.println();
    Table stages = new Table("stage", "asked for", "to run", "shared");
    for (StageKind kind : StageKind.values()) {
      Counts counts = counts(plan, kind);
      if (counts.asked() > 0) {
        stages.row(
            kind.name().toLowerCase(Locale.ROOT),
            counts.asked(),
            counts.distinct(),
            counts.asked() - counts.distinct());
      }
    }
    stages.lines().forEach(System.out::println);
  }

  private record Counts(long asked, long distinct) {}

  private static Counts counts(SweepPlan plan, StageKind kind) {
    return new Counts(
        plan.trials().stream()
            .flatMap(trial -> trial.stages().stream())
            .filter(stage -> stage.spec().kind() == kind)
            .count(),
        plan.distinctStages().stream().filter(stage -> stage.spec().kind() == kind).count());
  }

  private static Map<String, Object> tree(SweepPlan plan) {
    Cost base = Cost.of(plan.inputs().base());
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("sweepId", plan.sweepId());
    tree.put("name", plan.spec().name());
    tree.put(
        "base", Map.of("model", plan.spec().model(), "params", base.params(), "macs", base.macs()));
    tree.put("spec", plan.spec().toTree());
    List<Object> cells = new ArrayList<>();
    for (Cell cell : plan.cells()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("cellId", cell.id());
      entry.put("method", cell.method());
      entry.put("redistribution", cell.redistribution());
      entry.put("targetKind", cell.targetKind().text());
      entry.put("keepRatio", cell.keepRatio());
      entry.put(
          "trials",
          plan.trials().stream()
              .filter(trial -> trial.cellId().equals(cell.id()))
              .map(
                  trial ->
                      Map.of(
                          "trialId", trial.trialId(),
                          "seed", trial.seed(),
                          "stages", trial.stages().stream().map(PlannedStage::stageId).toList()))
              .toList());
      cells.add(entry);
    }
    tree.put("cells", cells);
    Map<String, Object> stages = new LinkedHashMap<>();
    for (StageKind kind : StageKind.values()) {
      Counts counts = counts(plan, kind);
      if (counts.asked() > 0) {
        stages.put(
            kind.name().toLowerCase(Locale.ROOT),
            Map.of("asked", counts.asked(), "distinct", counts.distinct()));
      }
    }
    tree.put("stages", stages);
    return tree;
  }
}
