package dev.espalier.cli.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.text.Table;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Shows what runs. */
@Command(
    name = "status",
    description = {"Show processes, workers and the queue. Exit code 1 where nothing runs."},
    footerHeading = "%nExamples:%n",
    footer = {"  espalier status", "  espalier status -o json | jq .scheduler.workers"})
public final class StatusCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Override
  public Integer call() {
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    boolean running = true;
    if (!context.remote()) {
      LocalPlatform local = context.local();
      running = local.isHeld();
      if (running) {
        local.state().ifPresent(state -> answer.set("local", state));
      }
      answer.put("dataDirectory", context.dataDirectory().toString());
    }
    if (running) {
      platform().ifPresent(platform -> answer.set("scheduler", platform));
    }
    answer.put("running", running);
    if (context.json()) {
      context.printJson(answer);
    } else {
      print(answer);
    }
    return running ? ExitCode.DONE : ExitCode.FAILED;
  }

  private Optional<JsonNode> platform() {
    if (context.remote()) {
      return Optional.of(context.scheduler().get("/status"));
    }
    try {
      return Optional.of(context.scheduler().get("/status"));
    } catch (CommandFailed starting) {
      return Optional.empty();
    }
  }

  private void print(JsonNode answer) {
    if (!answer.path("running").asBoolean()) {
      System.out.println("nothing runs on " + context.dataDirectory());
      return;
    }
    JsonNode local = answer.path("local");
    if (local.isObject()) {
      System.out.printf(
          "%s (%s)%n",
          local.path("phase").asText().toLowerCase(Locale.ROOT), local.path("message").asText());
      System.out.println("scheduler  " + local.path("server").asText("-"));
      System.out.println("kafka      " + local.path("kafka").asText("-"));
      System.out.println("data       " + context.dataDirectory());
      System.out.println();
      Table table = new Table("process", "state", "pid", "port", "restarts");
      for (JsonNode child : local.path("children")) {
        table.row(
            child.path("name").asText(),
            child.path("state").asText().toLowerCase(Locale.ROOT).replace('_', ' '),
            child.hasNonNull("pid") ? child.path("pid").asText() : "-",
            child.path("port").asText(),
            child.path("restarts").asText());
      }
      table.lines().forEach(System.out::println);
    }
    JsonNode scheduler = answer.path("scheduler");
    if (scheduler.isObject()) {
      System.out.println();
      Table table = new Table("worker", "service", "state", "busy", "device", "host");
      for (JsonNode worker : scheduler.path("workers")) {
        String state = worker.path("state").asText();
        if (state.equals("ACTIVE") || state.equals("DRAINING")) {
          table.row(
              worker.path("id").asText(),
              worker.path("service").asText(),
              state.toLowerCase(Locale.ROOT),
              worker.path("busy").asInt() + "/" + worker.path("slots").asInt(),
              worker.path("device").asText(),
              worker.path("host").asText());
        }
      }
      table.lines().forEach(System.out::println);
      System.out.println();
      System.out.println("sweeps     " + counts(scheduler.path("sweeps")));
      System.out.println("stages     " + counts(scheduler.path("queue")));
    }
  }

  private static String counts(JsonNode counts) {
    StringBuilder text = new StringBuilder();
    for (Map.Entry<String, JsonNode> count : counts.properties()) {
      text.append(text.isEmpty() ? "" : ", ")
          .append(count.getValue().asLong())
          .append(' ')
          .append(count.getKey().toLowerCase(Locale.ROOT));
    }
    return text.isEmpty() ? "none" : text.toString();
  }
}
