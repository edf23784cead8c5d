package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.json.JsonObject;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.cli.BadInput;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.registry.Shipped;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Table;
import dev.espalier.cli.text.Units;
import dev.espalier.datasets.DatasetArtifact;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.sweep.planning.ArtifactPointer;
import dev.espalier.sweep.planning.DatasetSize;
import dev.espalier.sweep.planning.Engine;
import dev.espalier.sweep.planning.PlanPreview;
import dev.espalier.sweep.planning.Planner;
import dev.espalier.sweep.planning.ResolvedInputs;
import dev.espalier.sweep.planning.SweepPlan;
import dev.espalier.sweep.planning.Unserved;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.SweepSpecCheck;
import dev.espalier.sweep.spec.Violation;
import dev.espalier.sweep.strategy.SearchSize;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
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

  private static final int MOST_MERGED = 12;
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
    if (base.isPresent() && dataset.isPresent()) {
      violations.addAll(SweepSpecCheck.fit(spec, base.get(), summary(dataset.get())));
    }
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
    PlanPreview preview = PlanPreview.of(plan, size(summary(dataset.orElseThrow())));
    Optional<List<Unserved>> unserved =
        scheduler.flatMap(LiveWorkers::of).map(workers -> Unserved.of(plan, workers));
    if (context.json()) {
      Map<String, Object> tree = preview.toTree();
      unserved.ifPresent(
          none -> tree.put("unserved", none.stream().map(Unserved::toTree).toList()));
      context.printJson(tree);
    } else {
      print(plan, preview);
      unserved.ifPresent(PlanCommand::print);
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

  /** Empty where the registry does not say. */
  private static Optional<DatasetSize> size(JsonObject summary) {
    if (!summary.has("images")) {
      return Optional.empty();
    }
    JsonObject images = summary.object("images");
    return Optional.of(
        new DatasetSize(images.count("train"), images.count("validation"), images.count("test")));
  }

  /** As the registry describes a dataset; no members where it says nothing. */
  private static JsonObject summary(Registered dataset) {
    if (dataset.entry() != null) {
      JsonNode summary = dataset.entry().path("summary");
      return Json.parseObject(summary.isObject() ? summary.toString() : "{}");
    }
    try {
      ImageDataset images = DatasetArtifact.read(dataset.bytes());
      return JsonObject.of(
          "",
          Map.of(
              "channels", images.channels(),
              "imageSize", images.imageSize(),
              "classes", images.classes(),
              "images",
                  Map.of(
                      "train", images.train().size(),
                      "validation", images.validation().size(),
                      "test", images.test().size())));
    } catch (IOException e) {
      throw new IllegalStateException("the shipped dataset cannot be read", e);
    }
  }

  private static void print(List<Unserved> unserved) {
    if (!unserved.isEmpty()) {
      System.out.println();
      Table table = new Table("no live worker can do", "stages");
      unserved.forEach(none -> table.row(none.inWords(), none.stages()));
      table.lines().forEach(System.out::println);
      System.out.println("the sweep would wait there until one joins");
    }
  }

  private static void print(SweepPlan plan, PlanPreview preview) {
    Cost base = Cost.of(plan.inputs().base());
    System.out.printf(
        "sweep %s  %s: %s, %s%n",
        plan.sweepId(),
        plan.spec().name(),
        Units.plural(preview.cells().size(), "cell"),
        Units.plural(preview.trials(), "trial"));
    System.out.printf(
        "base  %s: %s params, %s MACs%n%n",
        plan.spec().model(), Units.count(base.params()), Units.count(base.macs()));
    Table cells = new Table("cell", "configuration", "MACs", "params", "floor");
    for (PlanPreview.CellForecast cell : preview.cells()) {
      cells.row(
          cell.cellId(),
          cell.cell().title(cell.cell().label(plan.spec())),
          cell.macs().map(Units::count).orElse("-"),
          cell.params().map(Units::count).orElse("-"),
          cell.floor() == 0 ? "measured" : String.format(Locale.ROOT, "%.3f", cell.floor()));
    }
    cells.lines().forEach(System.out::println);
    System.out.println();
    Table stages = new Table("stages", "asked for", "to run");
    for (PlanPreview.KindCount kind : preview.kinds()) {
      stages.row(kind.kind().text(), kind.asked(), kind.distinct());
    }
    stages.lines().forEach(System.out::println);
    if (!preview.merged().isEmpty()) {
      System.out.println();
      Table merged = new Table("shared stage", "trials");
      preview.merged().stream()
          .limit(MOST_MERGED)
          .forEach(stage -> merged.row(stage.title(), stage.trials()));
      merged.lines().forEach(System.out::println);
      if (preview.merged().size() > MOST_MERGED) {
        System.out.printf("... and %d more%n", preview.merged().size() - MOST_MERGED);
      }
    }
    if (!preview.search().inWords().isEmpty()) {
      SearchSize search = preview.search();
      System.out.printf(
          Locale.ROOT,
          "%nsearch %s: %s%nat most %s with %s of recovery; about %.0f with %.0f expected%n",
          preview.strategy(),
          search.inWords(),
          Units.plural(search.trials(), "trial"),
          Units.plural((int) Math.min(Integer.MAX_VALUE, search.epochs()), "epoch"),
          search.expectedTrials(),
          search.expectedEpochs());
    }
    preview
        .deviceTime()
        .ifPresent(
            time ->
                System.out.printf(
                    "%ndevice time about %s (%s to %s); without sharing %s%n%s%n",
                    Units.duration(time.seconds()),
                    Units.duration(time.low()),
                    Units.duration(time.high()),
                    Units.duration(time.withoutSharing()),
                    time.assumptions()));
  }
}
