package dev.espalier.cli.local;

import dev.espalier.cli.BadInput;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows logs of the local installation. */
@Command(
    name = "logs",
    description = {"Show the end of a process's log; without a name, which logs there are."},
    footerHeading = "%nExamples:%n",
    footer = {
      "  espalier logs",
      "  espalier logs scheduler -n 200",
      "  espalier logs trainer-1 -f"
    })
public final class LogsCommand implements Callable<Integer> {

  private static final int READ_BYTES = 1 << 20;
  private static final long POLL_MILLIS = 300;

  @Mixin private Context context;

  @Parameters(paramLabel = "NAME", arity = "0..1", description = "For instance scheduler.")
  private String name;

  @Option(
      names = {"-n", "--lines"},
      paramLabel = "N",
      defaultValue = "50",
      description = "How many lines. Default: 50.")
  private int lines;

  @Option(
      names = {"-f", "--follow"},
      description = "Go on with what is written from now.")
  private boolean follow;

  @Override
  public Integer call() throws InterruptedException {
    Path directory = context.dataDirectory().resolve("logs");
    List<String> names = names(directory);
    if (name == null) {
      if (names.isEmpty()) {
        System.out.println("no logs in " + directory);
      }
      names.forEach(log -> System.out.println(log + "  " + directory.resolve(log + ".log")));
      return ExitCode.DONE;
    }
    if (!names.contains(name)) {
      throw new BadInput(
          "NAME",
          names.isEmpty() ? "a log; there is none yet" : "one of " + String.join(", ", names),
          name);
    }
    Path log = directory.resolve(name + ".log");
    try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
      long from = Math.max(0, file.length() - READ_BYTES);
      String text = read(file, from);
      List<String> all = text.lines().toList();
      all.subList(Math.max(0, all.size() - Math.max(0, lines)), all.size())
          .forEach(System.out::println);
      while (follow) {
        Thread.sleep(POLL_MILLIS);
        System.out.print(read(file, file.getFilePointer()));
        System.out.flush();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return ExitCode.DONE;
  }

  private static String read(RandomAccessFile file, long from) throws IOException {
    file.seek(Math.min(from, file.length()));
    byte[] bytes = new byte[(int) Math.min(READ_BYTES, file.length() - file.getFilePointer())];
    file.readFully(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static List<String> names(Path directory) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.endsWith(".log"))
          .map(file -> file.substring(0, file.length() - ".log".length()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
