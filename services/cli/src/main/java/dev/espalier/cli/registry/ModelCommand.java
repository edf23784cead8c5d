package dev.espalier.cli.registry;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.cli.BadInput;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Table;
import dev.espalier.cli.text.Units;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Models that sweeps may name. */
@Command(
    name = "model",
    description = "Register base models and list them.",
    subcommands = {ModelCommand.Add.class, ModelCommand.ListAll.class})
public final class ModelCommand {

  private ModelCommand() {}

  /** Registers a file. */
  @Command(
      name = "add",
      description = {
        "Upload a model and register it under a name.",
        "The file is safetensors with its architecture in the header, as report and training write it."
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  espalier model add my-vit model.safetensors",
        "  espalier model add my-vit model.safetensors --replace"
      })
  static final class Add implements Callable<Integer> {

    @Mixin private Context context;

    @Parameters(paramLabel = "NAME", description = "What sweeps call it.")
    private String name;

    @Parameters(paramLabel = "FILE", description = "The model.")
    private Path file;

    @Option(names = "--replace", description = "Give the name to this file where another has it.")
    private boolean replace;

    @Override
    public Integer call() {
      if (!Files.isRegularFile(file)) {
        throw new BadInput("FILE", "a model file", file + ", which is not there");
      }
      Scheduler scheduler = context.scheduler();
      JsonNode model = scheduler.register("models", name, scheduler.upload(file), replace);
      if (context.json()) {
        context.printJson(model);
      } else {
        System.out.printf("registered %s as %s%n", model.path("sha256").asText(), name);
      }
      return ExitCode.DONE;
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
