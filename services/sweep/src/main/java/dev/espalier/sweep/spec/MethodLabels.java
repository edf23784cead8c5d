package dev.espalier.sweep.spec;

import dev.espalier.architecture.json.Json;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What a sweep calls its methods, in tables, on boards and as directories: {@link
 * #of(MethodChoice)}, and where the sweep lists that more than once also what differs: "magnitude
 * alignment=8".
 */
public final class MethodLabels {

  private MethodLabels() {}

  /** The methods alone: "nvit", "nvit-then-dynamicvit". */
  public static String of(MethodChoice choice) {
    return choice
        .then()
        .map(second -> choice.name() + "-then-" + second.name())
        .orElse(choice.name());
  }

  /** As none of the sweep's other choices is called. */
  public static String of(SweepSpec spec, MethodChoice own) {
    List<Map<String, Object>> alike =
        spec.methods().stream()
            .filter(choice -> of(choice).equals(of(own)))
            .map(choice -> settings(choice.parameters(), choice.then()))
            .toList();
    String differing =
        settings(own.parameters(), own.then()).entrySet().stream()
            .filter(
                setting ->
                    alike.stream()
                        .anyMatch(other -> !setting.getValue().equals(other.get(setting.getKey()))))
            .map(setting -> " " + setting.getKey() + "=" + shown(setting.getValue()))
            .collect(Collectors.joining());
    return of(own) + differing;
  }

  /** The label without what differs: "magnitude". */
  public static String plain(String label) {
    int space = label.indexOf(' ');
    return space < 0 ? label : label.substring(0, space);
  }

  /** What differs between cells that {@link #plain} does not tell apart; "" where nothing does. */
  public static String differing(String label) {
    return label.substring(plain(label).length());
  }

  private static Map<String, Object> settings(Map<String, Object> first, Optional<Then> then) {
    Map<String, Object> settings = new TreeMap<>(first);
    then.ifPresent(
        second -> {
          settings.put("then.share", second.share());
          second.parameters().forEach((name, value) -> settings.put("then." + name, value));
        });
    return settings;
  }

  private static String shown(Object value) {
    return value instanceof String text ? text : Json.canonical(value);
  }
}
