package dev.espalier.cli.registry;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.espalier.cli.BadInput;
import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Table;
import dev.espalier.cli.text.Units;
import dev.espalier.datasets.BrokenImage;
import dev.espalier.datasets.DatasetArtifact;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.ImageFolders;
import dev.espalier.datasets.InvalidDatasetException;
import dev.espalier.datasets.PackDataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Datasets that sweeps may name. */
@Command(
    name = "dataset",
    description = "Register datasets and list them.",
    subcommands = {DatasetCommand.Add.class, DatasetCommand.ListAll.class})
public final class DatasetCommand {

  private DatasetCommand() {}

  /** Registers a file or a directory. */
  @Command(
      name = "add",
      description = {
        "Pack a directory, upload it and register it under a name. Taken are IDX files as MNIST's,",
        "CIFAR-10's and CIFAR-100's binary files, and directories of JPEG and PNG files, one for",
        "each class, under train, val and test or undivided. A file is taken as packed before."
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  espalier dataset add fashion-mnist /usr/share/datasets/fashion-mnist",
        "  espalier dataset add small /usr/share/datasets/fashion-mnist --train 6000 --test 1000",
        "  espalier dataset add flowers flowers/ --image-size 96 --broken skip",
        "  espalier dataset add mine dataset.zip --replace"
      })
  static final class Add implements Callable<Integer> {

    @Mixin private Context context;

    @Parameters(paramLabel = "NAME", description = "What sweeps call it.")
    private String name;

    @Parameters(
        paramLabel = "PATH",
        description = "Directory of IDX, CIFAR or image files; or a packed file.")
    private Path path;

    @Option(
        names = "--train",
        paramLabel = "N",
        defaultValue = "0",
        description = "Training images to draw, class by class. Default: all.")
    private int train;

    @Option(
        names = "--validation",
        paramLabel = "N",
        defaultValue = "0",
        description = "Images to set aside for validation. Default: a twelfth.")
    private int validation;

    @Option(
        names = "--test",
        paramLabel = "N",
        defaultValue = "0",
        description = "Test images to draw. Default: all.")
    private int test;

    @Option(
        names = "--seed",
        paramLabel = "N",
        defaultValue = "0",
        description = "Seed of the draw. Default: 0.")
    private long seed;

    @Mixin private ImageOptions images;

    @Option(names = "--replace", description = "Give the name to this one where another has it.")
    private boolean replace;

    private List<BrokenImage> broken = List.of();

    @Override
    public Integer call() {
      Scheduler scheduler = context.scheduler();
      String sha256 = upload(scheduler);
      ObjectNode dataset = (ObjectNode) scheduler.register("datasets", name, sha256, replace);
      if (context.json()) {
        ArrayNode named = dataset.putArray("broken");
        broken.forEach(
            image -> named.addObject().put("file", image.file()).put("reason", image.reason()));
        context.printJson(dataset);
      } else {
        if (!broken.isEmpty()) {
          System.out.printf("skipped %d broken images:%n", broken.size());
          broken.forEach(image -> System.out.println("  " + image.file() + ": " + image.reason()));
        }
        System.out.printf("registered %s as %s%n", dataset.path("sha256").asText(), name);
      }
      return ExitCode.DONE;
    }

    private String upload(Scheduler scheduler) {
      if (Files.isRegularFile(path)) {
        return scheduler.upload(path);
      }
      if (!Files.isDirectory(path)) {
        throw new BadInput("PATH", "a directory or a packed file", path + ", which is not there");
      }
      Path packed = null;
      try {
        packed = Files.createTempFile("espalier-dataset", ".zip");
        DatasetArtifact.write(pack(), packed);
        return scheduler.upload(packed);
      } catch (InvalidDatasetException | IllegalArgumentException e) {
        throw new BadInput("PATH", "a dataset that can be packed", e.getMessage());
      } catch (java.nio.file.NoSuchFileException e) {
        throw new BadInput(
            "PATH",
            "a directory with " + Path.of(e.getFile()).getFileName(),
            path + ", which has none");
      } catch (IOException e) {
        throw new CommandFailed("cannot pack %s: %s".formatted(path, e.getMessage()));
      } finally {
        delete(packed);
      }
    }

    private ImageDataset pack() throws IOException {
      PackDataset.Request counts =
          new PackDataset.Request(path, name, train, validation, test, seed);
      if (PackDataset.isThere(path)) {
        return PackDataset.pack(counts);
      }
      ImageFolders.Packed packed = ImageFolders.pack(images.request(counts));
      broken = packed.broken();
      return packed.dataset();
    }

    private static void delete(Path packed) {
      try {
        if (packed != null) {
          Files.deleteIfExists(packed);
        }
      } catch (IOException e) {
        System.err.println("left behind: " + packed);
      }
    }
  }

  /** Lists them. */
  @Command(
      name = "list",
      description = "List registered datasets.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier dataset list -o json")
  static final class ListAll implements Callable<Integer> {

    @Mixin private Context context;

    @Override
    public Integer call() {
      JsonNode datasets = context.scheduler().get("/datasets");
      if (context.json()) {
        context.printJson(datasets);
        return ExitCode.DONE;
      }
      Table table = new Table("dataset", "size", "sha256", "summary");
      for (JsonNode dataset : datasets) {
        table.row(
            dataset.path("name").asText(),
            Units.bytes(dataset.path("sizeBytes").asLong()),
            dataset.path("sha256").asText().substring(0, 12),
            dataset.path("summary").toString());
      }
      if (table.isEmpty()) {
        System.out.println("no datasets are registered");
      } else {
        table.lines().forEach(System.out::println);
      }
      return ExitCode.DONE;
    }
  }
}
