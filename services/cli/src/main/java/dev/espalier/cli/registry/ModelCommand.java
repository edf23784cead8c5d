package dev.espalier.cli.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.artifacts.pretrained.Pretrained.Wishes;
import dev.espalier.cli.BadInput;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Table;
import dev.espalier.cli.text.Units;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Models that sweeps may name. */
@Command(
    name = "model",
    description = "Register base models and list them.",
    subcommands = {ModelCommand.Add.class, ModelCommand.Show.class, ModelCommand.ListAll.class})
public final class ModelCommand {

  private ModelCommand() {}

  /** Registers a file. */
  @Command(
      name = "add",
      description = {
        "Upload a model and register it under a name.",
        "Taken are checkpoints of timm and of Hugging Face's transformers (ViT and DeiT, plain or",
        "distilled, safetensors) and the files that Espalier writes. What a checkpoint does not",
        "say is read from config.json beside it or given as an option; defaults are told."
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  espalier model add my-vit vit_base_patch16_224/",
        "  espalier model add model.safetensors --name my-vit --heads 12",
        "  espalier model add flowers checkpoint.safetensors --classes 102 --replace"
      })
  static final class Add implements Callable<Integer> {

    @Mixin private Context context;
    @Mixin private CheckpointOptions checkpoint;

    @Parameters(
        arity = "1..2",
        paramLabel = "[NAME] FILE|DIR",
        description =
            "What sweeps call it, and the model. Default: the file's or directory's name.")
    private List<String> words;

    @Option(names = "--name", paramLabel = "NAME", description = "What sweeps call it.")
    private String name;

    @Option(names = "--replace", description = "Give the name to this one where another has it.")
    private boolean replace;

    @Override
    public Integer call() {
      if (words.size() == 2 && name != null) {
        throw new BadInput("--name", "one name", "both --name and NAME");
      }
      Path path = Path.of(words.get(words.size() - 1));
      String called = words.size() == 2 ? words.get(0) : name != null ? name : nameOf(path);
      Scheduler scheduler = context.scheduler();
      try (ImportedModel model = ImportedModel.of(path, checkpoint.wishes())) {
        String sha256 = scheduler.upload(model.file());
        ObjectNode registered = (ObjectNode) scheduler.register("models", called, sha256, replace);
        if (context.json()) {
          ModelText.notes(registered, model.notes());
          context.printJson(registered);
        } else {
          model.notes().forEach(note -> System.out.println("note: " + note));
          System.out.printf("registered %s as %s%n", sha256, called);
        }
      }
      return ExitCode.DONE;
    }

    /** The name of the file, or of the directory where the file's says nothing. */
    private static String nameOf(Path path) {
      Path whole = path.toAbsolutePath().normalize();
      String file = whole.getFileName().toString().replaceFirst("\\.safetensors$", "");
      boolean telling = Files.isDirectory(whole) || !List.of("model", "weights").contains(file);
      return telling ? file : whole.getParent().getFileName().toString();
    }
  }

  /** Shows one. */
  @Command(
      name = "show",
      description = "Show a model's shape, params, MACs and digest: a registered one or a file.",
      footerHeading = "%nExamples:%n",
      footer = {
        "  espalier model show fashion-vit-96x6",
        "  espalier model show checkpoint.safetensors --heads 12 --output json"
      })
  static final class Show implements Callable<Integer> {

    @Mixin private Context context;
    @Mixin private CheckpointOptions checkpoint;

    @Parameters(paramLabel = "FILE|NAME", description = "A file or directory, or a name.")
    private String model;

    @Override
    public Integer call() {
      ObjectNode shown = Files.exists(Path.of(model)) ? ofFile() : registered();
      if (context.json()) {
        context.printJson(shown);
      } else {
        ModelText.lines(shown).forEach(System.out::println);
      }
      return ExitCode.DONE;
    }

    private ObjectNode ofFile() {
      try (ImportedModel imported = ImportedModel.of(Path.of(model), checkpoint.wishes())) {
        return imported.describe();
      }
    }

    private ObjectNode registered() {
      if (!checkpoint.wishes().equals(Wishes.NONE)) {
        throw new BadInput("FILE", "a file or directory, as options are given", model);
      }
      return (ObjectNode)
          context
              .scheduler()
              .find("/models/" + Scheduler.encoded(model))
              .orElseThrow(
                  () ->
                      new BadInput(
                          "FILE|NAME", "a file, a directory or a registered model", model));
    }
  }

  /** Lists them. */
  @Command(
      name = "list",
      description = "List registered models.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier model list -o json")
  static final class ListAll implements Callable<Integer> {

    @Mixin private Context context;

    @Override
    public Integer call() {
      JsonNode models = context.scheduler().get("/models");
      if (context.json()) {
        context.printJson(models);
        return ExitCode.DONE;
      }
      Table table = new Table("model", "shape", "params", "MACs", "size", "sha256");
      for (JsonNode model : models) {
        VitArchitecture vit = VitArchitecture.fromJson(model.path("architecture").toString());
        Cost cost = Cost.of(vit);
        table.row(
            model.path("name").asText(),
            "d %d x %d blocks".formatted(vit.embedding(), vit.depth()),
            Units.count(cost.params()),
            Units.count(cost.macs()),
            Units.bytes(model.path("sizeBytes").asLong()),
            model.path("sha256").asText().substring(0, 12));
      }
      if (table.isEmpty()) {
        System.out.println("no models are registered");
      } else {
        table.lines().forEach(System.out::println);
      }
      return ExitCode.DONE;
    }
  }
}
