package dev.espalier.cli.history;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.BadInput;
import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Table;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Records that no consumer could handle. */
@Command(
    name = "dlq",
    description = "Look at records that no consumer could handle; send them back or discard them.",
    subcommands = {
      DeadLetterCommand.Open.class,
      DeadLetterCommand.Show.class,
      DeadLetterCommand.Replay.class,
      DeadLetterCommand.Discard.class
    })
public final class DeadLetterCommand {

  private static final Pattern ID = Pattern.compile("([a-z.0-9]+)/([0-9]{1,9})/([0-9]{1,18})");

  private DeadLetterCommand() {}

  /** Those that nobody has dealt with. */
  @Command(
      name = "list",
      description = "List records that nobody has dealt with, oldest first.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier dlq list")
  static final class Open implements Callable<Integer> {
    @Mixin private Context context;

    @Override
    public Integer call() {
      JsonNode letters = context.scheduler().get("/dead-letters");
      if (context.json()) {
        context.printJson(letters);
        return ExitCode.DONE;
      }
      Table table = new Table("LETTER", "PARKED", "TYPE", "REASON", "CONSUMER", "MESSAGE");
      for (JsonNode letter : letters) {
        String message = letter.path("message").asText().replaceAll("\\s+", " ");
        table.row(
            id(letter),
            letter.path("parkedAt").asText(),
            letter.path("eventType").asText(),
            letter.path("reason").asText(),
            letter.path("consumer").asText(),
            message.length() <= 80 ? message : message.substring(0, 79) + "…");
      }
      if (table.isEmpty()) {
        System.out.println("no dead letters");
      } else {
        table.lines().forEach(System.out::println);
      }
      return ExitCode.DONE;
    }
  }

  /** One of them. */
  @Command(
      name = "show",
      description = "Show one record, as text where it is a message.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier dlq show sweep.commands.v1/0/17")
  static final class Show implements Callable<Integer> {
    @Mixin private Context context;

    @Parameters(paramLabel = "LETTER", description = "As list names it: topic/partition/offset.")
    private String letter;

    @Override
    public Integer call() {
      JsonNode opened =
          context
              .scheduler()
              .find(path(letter))
              .orElseThrow(() -> new CommandFailed("dead letter " + letter + " is not there"));
      if (context.json()) {
        context.printJson(opened);
        return ExitCode.DONE;
      }
      JsonNode found = opened.path("letter");
      System.out.printf(
          "%s%s%n  parked   %s by %s%n  reason   %s: %s%n  key      %s%n  type     %s%n  bytes   "
              + " %s%n%n%s%n",
          letter,
          opened.path("settled").asBoolean() ? " (dealt with)" : "",
          found.path("parkedAt").asText(),
          found.path("consumer").asText(),
          found.path("reason").asText(),
          found.path("message").asText(),
          found.path("key").asText(""),
          found.path("eventType").asText(),
          found.path("bytes").asText(),
          opened.path("content").asText());
      return ExitCode.DONE;
    }
  }

  /** Back to where it came from. */
  @Command(
      name = "replay",
      description = {
        "Send a record back to the topic it came from, as it was.",
        "A request that carried a token has lost it: submit it again instead."
      },
      footerHeading = "%nExamples:%n",
      footer = "  espalier dlq replay stage.reports.v1/3/0")
  static final class Replay implements Callable<Integer> {
    @Mixin private Context context;

    @Parameters(paramLabel = "LETTER", description = "As list names it: topic/partition/offset.")
    private String letter;

    @Override
    public Integer call() {
      return settle(context, letter, "replay", "sent back");
    }
  }

  /** Out of sight. */
  @Command(
      name = "discard",
      description = "List a record no more. It stays in its topic until that forgets it.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier dlq discard sweep.commands.v1/0/17")
  static final class Discard implements Callable<Integer> {
    @Mixin private Context context;

    @Parameters(paramLabel = "LETTER", description = "As list names it: topic/partition/offset.")
    private String letter;

    @Override
    public Integer call() {
      return settle(context, letter, "discard", "discarded");
    }
  }

  private static int settle(Context context, String letter, String action, String done) {
    JsonNode answer = context.scheduler().post(path(letter) + "/" + action);
    if (context.json()) {
      context.printJson(answer);
    } else {
      System.out.println(letter + " " + done);
    }
    return ExitCode.DONE;
  }

  private static String id(JsonNode letter) {
    return "%s/%s/%s"
        .formatted(
            letter.path("topic").asText(),
            letter.path("partition").asText(),
            letter.path("offset").asText());
  }

  private static String path(String letter) {
    Matcher parts = ID.matcher(letter);
    if (!parts.matches()) {
      throw new BadInput("LETTER", "topic/partition/offset as list names it", letter);
    }
    return "/dead-letters/%s/%s/%s"
        .formatted(Scheduler.encoded(parts.group(1)), parts.group(2), parts.group(3));
  }
}
