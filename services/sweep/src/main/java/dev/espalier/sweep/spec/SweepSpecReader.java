package dev.espalier.sweep.spec;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.latency.LatencyConditions;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.method.ParameterDescriptor;
import dev.espalier.architecture.redistribution.Redistributions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Reads a request, however it came, as a tree of {@link Map}, {@link List}, {@link String}, {@link
 * Number}, {@link Boolean} and null. Every door uses this one reader, so that every door accepts
 * the same and says the same. It reports all that is wrong, not the first thing.
 *
 * <p>What needs the registered model (floors) is checked by {@link SweepSpecCheck}.
 */
public final class SweepSpecReader {

  public static final String DEFAULT_TEAM = "default";

  /** More would not be a plan but a mistake. */
  public static final int MAX_TRIALS = 100_000;

  public static final List<String> AUGMENTATIONS = List.of("none", "crop-flip", "rand-augment");
  public static final List<String> PRECISIONS = List.of("fp32", "bf16");

  /** Kinds of device, as workers name theirs. */
  public static final List<String> DEVICES = List.of("cpu", "cuda");

  /** Names of sweeps, teams, models and datasets; they never become paths or SQL. */
  public static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  static final String NAME_RULE =
      "1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit";

  private static final Set<String> SWEEP_FIELDS =
      Set.of(
          "name",
          "team",
          "model",
          "dataset",
          "methods",
          "targets",
          "seeds",
          "recipe",
          "evaluation",
          "strategy",
          "stop",
          "priority",
          "cache",
          "caps");

  private static final Set<String> TARGET_FIELDS =
      Set.of("macs", "params", "latency", "latencyBatchSize", "latencyRuntime");

  private static final Set<String> RECIPE_FIELDS = recipeFields();

  static final long MAX_DEVICE_HOURS = 1_000_000;

  private static final String SEEDS_RULE = "a list of 1 to 1000 different integers";

  private SweepSpecReader() {}

  /** Reads the tree; never throws for bad input. */
  public static SpecReading read(Object tree) {
    List<Violation> violations = new ArrayList<>();
    if (!(tree instanceof Map)) {
      return SpecReading.refused(
          List.of(new Violation("", "an object with the fields of a sweep", Fields.show(tree))));
    }
    Fields sweep = Fields.of("", tree, SWEEP_FIELDS, violations);
    SweepSpec spec =
        new SweepSpec(
            name(sweep, "name", null),
            name(sweep, "team", DEFAULT_TEAM),
            name(sweep, "model", null),
            name(sweep, "dataset", null),
            methods(sweep, violations),
            targets(sweep, violations),
            seeds(sweep),
            recipe(sweep, violations),
            EvaluationReading.evaluation(sweep, violations),
            StrategyReading.strategy(sweep, violations),
            StrategyReading.stop(sweep, violations),
            sweep.integer("priority", 0, -100, 100),
            cache(sweep),
            caps(sweep, violations));
    checkLatency(spec, violations);
    checkSize(spec, violations);
    StrategyReading.check(spec, violations);
    EvaluationReading.check(spec, violations);
    return violations.isEmpty() ? SpecReading.of(spec) : SpecReading.refused(violations);
  }

  private static String name(Fields fields, String field, String fallback) {
    return fields.text(field, fallback, NAME_RULE, text -> NAME.matcher(text).matches());
  }

  /** YAML 1.1 readers make booleans of on and off; both are understood. */
  private static boolean cache(Fields sweep) {
    if (sweep.raw("cache") instanceof Boolean flag) {
      return flag;
    }
    return sweep.choice("cache", "on", List.of("on", "off")).equals("on");
  }

  private static Caps caps(Fields sweep, List<Violation> violations) {
    Fields caps = Fields.of("caps", sweep.raw("caps"), Set.of("deviceHours"), violations);
    return caps.has("deviceHours")
        ? new Caps(
            OptionalDouble.of(
                caps.number(
                    "deviceHours",
                    MAX_DEVICE_HOURS,
                    "a number in (0, %d]".formatted(MAX_DEVICE_HOURS),
                    hours -> hours > 0 && hours <= MAX_DEVICE_HOURS)))
        : Caps.NONE;
  }

  private static List<MethodChoice> methods(Fields sweep, List<Violation> violations) {
    List<MethodChoice> choices = new ArrayList<>();
    Set<Object> seen = new HashSet<>();
    int index = 0;
    for (Object entry : sweep.list("methods", "a list of 1 to 100 methods", true)) {
      String at = "methods[%d]".formatted(index++);
      if (index > 100) {
        sweep.wrong("methods", "a list of 1 to 100 methods", sweep.raw("methods"));
        break;
      }
      Object choice = entry instanceof String ? Map.of("name", entry) : entry;
      if (choice == null) {
        violations.add(new Violation(at, "an object with name", Fields.show(null)));
        continue;
      }
      Fields fields =
          Fields.of(at, choice, Set.of("name", "parameters", "redistribution", "then"), violations);
      if (!(choice instanceof Map)) {
        continue;
      }
      Optional<MethodDescriptor> method =
          fields.raw("name") instanceof String name ? Methods.find(name) : Optional.empty();
      if (method.isEmpty()) {
        fields.wrong("name", Fields.oneOf(Methods.names()), fields.raw("name"));
        continue;
      }
      List<String> policies = redistribution(fields, method.get());
      Map<String, Object> parameters = parameters(fields, method.get(), violations);
      Optional<Then> then = ThenReading.read(fields, method.get(), violations);
      if (!seen.add(List.of(method.get().name(), parameters, then))) {
        fields.wrong("name", "a method with parameters not listed before", fields.raw("name"));
      }
      choices.add(new MethodChoice(method.get().name(), parameters, policies, then));
    }
    return choices;
  }

  static Map<String, Object> parameters(
      Fields choice, MethodDescriptor method, List<Violation> violations) {
    Map<String, Object> values = new TreeMap<>(method.defaults());
    Fields given =
        Fields.of(choice.at("parameters"), choice.raw("parameters"), values.keySet(), violations);
    for (ParameterDescriptor parameter : method.parameters()) {
      if (given.has(parameter.name())) {
        Object value = given.raw(parameter.name());
        parameter
            .accept(value)
            .ifPresentOrElse(
                accepted -> values.put(parameter.name(), accepted),
                () -> given.wrong(parameter.name(), parameter.expected(), value));
      }
    }
    return values;
  }

  private static List<String> redistribution(Fields choice, MethodDescriptor method) {
    List<String> policies = new ArrayList<>();
    String expected = "a list of different policies out of " + Redistributions.names();
    for (Object policy : choice.list("redistribution", expected, false)) {
      String field = "redistribution[%d]".formatted(policies.size());
      if (!(policy instanceof String name) || !Redistributions.names().contains(name)) {
        choice.wrong(field, Fields.oneOf(Redistributions.names()), policy);
        policies.add("");
      } else if (policies.contains(name)) {
        choice.wrong(field, "a policy not listed before", policy);
        policies.add("");
      } else if (!method.redistributable() && !name.equals(Redistributions.NONE)) {
        choice.wrong(
            field,
            "none: what %s keeps are not widths of the base".formatted(method.name()),
            policy);
        policies.add("");
      } else {
        policies.add(name);
      }
    }
    return policies.isEmpty() ? List.of(Redistributions.NONE) : policies;
  }

  private static Targets targets(Fields sweep, List<Violation> violations) {
    Fields targets = Fields.of("targets", sweep.raw("targets"), TARGET_FIELDS, violations);
    boolean given = TargetKind.names().stream().anyMatch(targets::has);
    if (!given && (sweep.raw("targets") == null || sweep.raw("targets") instanceof Map)) {
      sweep.wrong("targets", "keep ratios under macs, params or latency", sweep.raw("targets"));
    }
    Targets ratios =
        new Targets(
            ratios(targets, TargetKind.MACS),
            ratios(targets, TargetKind.PARAMS),
            ratios(targets, TargetKind.LATENCY),
            targets.integer("latencyBatchSize", Targets.DEFAULT_BATCH_SIZE, 1, 65_536),
            targets.choice("latencyRuntime", Targets.DEFAULT_RUNTIME, LatencyConditions.RUNTIMES));
    if (given && TargetKind.names().stream().allMatch(kind -> isEmptyList(targets.raw(kind)))) {
      sweep.wrong("targets", "at least one keep ratio", List.of());
    }
    return ratios;
  }

  /** Evaluations time one image and one batch; a latency target is about either. */
  private static void checkLatency(SweepSpec spec, List<Violation> violations) {
    int batch = spec.targets().latencyBatchSize();
    if (batch != 1 && batch != spec.evaluation().batchSize()) {
      violations.add(
          new Violation(
              "targets.latencyBatchSize",
              "1 or evaluation.batchSize, %d: what evaluations measure"
                  .formatted(spec.evaluation().batchSize()),
              String.valueOf(batch)));
    }
  }

  private static boolean isEmptyList(Object value) {
    return value == null || value instanceof List<?> list && list.isEmpty();
  }

  private static List<Double> ratios(Fields targets, TargetKind kind) {
    List<Double> ratios = new ArrayList<>();
    String list = "a list of at most 100 keep ratios in (0, 1]";
    List<Object> given = targets.list(kind.text(), list, false);
    if (given.size() > 100) {
      targets.wrong(kind.text(), list, given);
      return List.of();
    }
    for (int i = 0; i < given.size(); i++) {
      String field = "%s[%d]".formatted(kind.text(), i);
      if (!(given.get(i) instanceof Number number)
          || !(number.doubleValue() > 0 && number.doubleValue() <= 1)) {
        targets.wrong(field, "a keep ratio in (0, 1]", given.get(i));
      } else if (ratios.contains(number.doubleValue())) {
        targets.wrong(field, "a keep ratio not listed before", given.get(i));
      } else {
        ratios.add(number.doubleValue());
      }
    }
    return ratios;
  }

  private static List<Long> seeds(Fields sweep) {
    List<Long> seeds = new ArrayList<>();
    List<Object> given = sweep.list("seeds", SEEDS_RULE, true);
    if (given.size() > 1000) {
      sweep.wrong("seeds", SEEDS_RULE, given);
      return List.of();
    }
    for (int i = 0; i < given.size(); i++) {
      String field = "seeds[%d]".formatted(i);
      Optional<Long> seed =
          Fields.asInteger(given.get(i)).filter(value -> Math.abs(value) <= Integer.MAX_VALUE);
      if (seed.isEmpty()) {
        sweep.wrong(field, "an integer in [-2147483647, 2147483647]", given.get(i));
      } else if (seeds.contains(seed.get())) {
        sweep.wrong(field, "a seed not listed before", given.get(i));
      } else {
        seeds.add(seed.get());
      }
    }
    return seeds;
  }

  private static Recipe recipe(Fields sweep, List<Violation> violations) {
    Recipe defaults = Recipe.DEFAULTS;
    Fields recipe = Fields.of("recipe", sweep.raw("recipe"), RECIPE_FIELDS, violations);
    int epochs = recipe.integer("epochs", defaults.epochs(), 1, 10_000);
    return new Recipe(
        epochs,
        recipe.integer("batchSize", defaults.batchSize(), 1, 65_536),
        recipe.number(
            "learningRate", defaults.learningRate(), "a number in (0, 1]", x -> x > 0 && x <= 1),
        recipe.number(
            "weightDecay", defaults.weightDecay(), "a number in [0, 1]", x -> x >= 0 && x <= 1),
        recipe.number(
            "warmupEpochs",
            defaults.warmupEpochs(),
            "a number in [0, epochs]",
            x -> x >= 0 && x <= epochs),
        recipe.number(
            "labelSmoothing",
            defaults.labelSmoothing(),
            "a number in [0, 1)",
            x -> x >= 0 && x < 1),
        recipe.number(
            "clipNorm", defaults.clipNorm(), "a number in [0, 1000]", x -> x >= 0 && x <= 1000),
        recipe.number(
            "distillationWeight",
            defaults.distillationWeight(),
            "a number in [0, 100000]",
            x -> x >= 0 && x <= 100_000),
        recipe.number(
            "distillationTemperature",
            defaults.distillationTemperature(),
            "a number in [0.1, 100]",
            x -> x >= 0.1 && x <= 100),
        recipe.choice("augmentation", defaults.augmentation(), AUGMENTATIONS),
        recipe.choice("precision", defaults.precision(), PRECISIONS),
        recipe.integer("threads", defaults.threads(), 1, 256),
        recipe.number("mixup", defaults.mixup(), "a number in [0, 10]", x -> x >= 0 && x <= 10),
        recipe.number("cutmix", defaults.cutmix(), "a number in [0, 10]", x -> x >= 0 && x <= 10),
        recipe.number("erasing", defaults.erasing(), "a number in [0, 1]", x -> x >= 0 && x <= 1),
        recipe.choice("device", defaults.device(), DEVICES));
  }

  private static Set<String> recipeFields() {
    Set<String> fields = new HashSet<>(Recipe.DEFAULTS.toTree().keySet());
    fields.addAll(Set.of("mixup", "cutmix", "erasing", "device"));
    return Set.copyOf(fields);
  }

  private static void checkSize(SweepSpec spec, List<Violation> violations) {
    long cells = Grid.cells(spec);
    long trials = cells * spec.seeds().size();
    if (trials > MAX_TRIALS) {
      violations.add(
          new Violation(
              "",
              "at most %d trials".formatted(MAX_TRIALS),
              "%d cells with %d seeds".formatted(cells, spec.seeds().size())));
    }
  }
}
