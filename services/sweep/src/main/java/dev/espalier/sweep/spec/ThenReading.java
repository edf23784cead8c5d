package dev.espalier.sweep.spec;

import dev.espalier.architecture.method.Combination;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads what follows a method. */
final class ThenReading {

  static final double DEFAULT_SHARE = 0.5;
  static final double LEAST_SHARE = 0.05;
  static final double MOST_SHARE = 0.95;

  private ThenReading() {}

  /** Names of methods that may follow {@code first}. */
  static List<String> followers(MethodDescriptor first) {
    return Methods.ALL.stream()
        .filter(second -> Combination.refusal(first, second).isEmpty())
        .map(MethodDescriptor::name)
        .toList();
  }

  static Optional<Then> read(Fields choice, MethodDescriptor first, List<Violation> violations) {
    if (!choice.has("then")) {
      return Optional.empty();
    }
    Object raw = choice.raw("then");
    Object tree = raw instanceof String ? Map.of("name", raw) : raw;
    Fields then =
        Fields.of(choice.at("then"), tree, Set.of("name", "parameters", "share"), violations);
    if (!(tree instanceof Map)) {
      return Optional.empty();
    }
    double share =
        then.number(
            "share",
            DEFAULT_SHARE,
            "a number in [%s, %s]".formatted(LEAST_SHARE, MOST_SHARE),
            x -> x >= LEAST_SHARE && x <= MOST_SHARE);
    Optional<MethodDescriptor> second =
        then.raw("name") instanceof String name ? Methods.find(name) : Optional.empty();
    if (second.isEmpty()) {
      then.wrong("name", Fields.oneOf(Methods.names()), then.raw("name"));
      return Optional.empty();
    }
    Combination.refusal(first, second.get())
        .ifPresent(reason -> then.wrong("name", reason, then.raw("name")));
    return Optional.of(
        new Then(
            second.get().name(),
            SweepSpecReader.parameters(then, second.get(), violations),
            share));
  }
}
