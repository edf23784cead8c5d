package dev.espalier.scheduler.api;

import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.method.ParameterDescriptor;
import java.util.List;
import java.util.Locale;

/** A method as clients see it. */
public record MethodView(
    String name,
    int version,
    String title,
    String paper,
    String search,
    List<String> prunes,
    List<String> targets,
    boolean usesLatency,
    List<Parameter> parameters) {

  public record Parameter(
      String name, String phase, Object defaultValue, String expected, String description) {}

  static List<MethodView> all() {
    return Methods.ALL.stream().map(MethodView::of).toList();
  }

  private static MethodView of(MethodDescriptor method) {
    return new MethodView(
        method.name(),
        method.version(),
        method.title(),
        method.paper(),
        method.search().name().toLowerCase(Locale.ROOT),
        method.prunes().stream()
            .map(kind -> kind.name().toLowerCase(Locale.ROOT))
            .sorted()
            .toList(),
        method.targets().stream().map(kind -> kind.text()).sorted().toList(),
        method.searchUsesLatency(),
        method.parameters().stream().map(MethodView::of).toList());
  }

  private static Parameter of(ParameterDescriptor parameter) {
    return new Parameter(
        parameter.name(),
        parameter.phase().name().toLowerCase(Locale.ROOT),
        parameter.defaultValue(),
        parameter.expected(),
        parameter.description());
  }
}
