package dev.espalier.cli.sweep;

import static java.util.stream.Collectors.joining;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.method.ParameterDescriptor;
import dev.espalier.architecture.redistribution.Redistribution;
import dev.espalier.architecture.redistribution.Redistributions;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What sweeps may name. */
@Command(
    name = "methods",
    description = "Describe pruning methods, their parameters and redistribution policies.",
    footerHeading = "%nExamples:%n",
    footer = {"  espalier methods", "  espalier methods -o json"})
public final class MethodsCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Override
  public Integer call() {
    if (context.json()) {
      context.printJson(tree());
      return ExitCode.DONE;
    }
    for (MethodDescriptor method : Methods.ALL) {
      System.out.printf("%s@%d  %s%n", method.name(), method.version(), method.title());
      if (!method.paper().isEmpty()) {
        System.out.println("    " + method.paper());
      }
      System.out.printf(
          "    targets: %s%s%n",
          method.targets().stream().map(TargetKind::text).sorted().collect(joining(", ")),
          method.searchUsesLatency() ? "; measures a latency table" : "");
      for (ParameterDescriptor parameter : method.parameters()) {
        System.out.printf(
            "    %-18s default %-8s %s%n",
            parameter.name(),
            Json.canonical(parameter.defaultValue()).replace("\"", ""),
            parameter.description());
      }
      System.out.println();
    }
    System.out.println(
        "redistribution: "
            + Redistributions.NONE
            + ", "
            + String.join(", ", Redistributions.ALL.stream().map(Redistribution::name).toList()));
    return ExitCode.DONE;
  }

  private static Map<String, Object> tree() {
    List<Object> methods = new ArrayList<>();
    for (MethodDescriptor method : Methods.ALL) {
      Map<String, Object> tree = new LinkedHashMap<>();
      tree.put("name", method.name());
      tree.put("version", method.version());
      tree.put("title", method.title());
      tree.put("paper", method.paper());
      tree.put("search", method.search().name().toLowerCase(Locale.ROOT));
      tree.put("targets", method.targets().stream().map(kind -> kind.text()).sorted().toList());
      tree.put("usesLatency", method.searchUsesLatency());
      tree.put("parameters", method.parameters().stream().map(MethodsCommand::tree).toList());
      methods.add(tree);
    }
    return Map.of(
        "methods",
        methods,
        "redistribution",
        Redistributions.ALL.stream().map(Redistribution::name).toList());
  }

  private static Map<String, Object> tree(ParameterDescriptor parameter) {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("name", parameter.name());
    tree.put("type", parameter.type().name().toLowerCase(Locale.ROOT));
    tree.put("default", parameter.defaultValue());
    tree.put("description", parameter.description());
    if (!parameter.choices().isEmpty()) {
      tree.put("choices", parameter.choices());
    }
    return tree;
  }
}
