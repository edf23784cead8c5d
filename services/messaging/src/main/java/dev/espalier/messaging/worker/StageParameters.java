package dev.espalier.messaging.worker;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.StageSpec;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The parameters of a stage, read with their types. The planner fills in defaults before a stage is
 * named, so what is missing or of another type is an error of the spec, never a silent default.
 */
public final class StageParameters {

  private static final double LARGEST_INTEGER = 1L << 53;

  private final Map<String, Value> values;

  private StageParameters(Struct parameters) {
    this.values = parameters.getFieldsMap();
  }

  public static StageParameters of(StageSpec spec) {
    return new StageParameters(spec.getParameters());
  }

  public double number(String name) throws StageFailure {
    Value value = value(name, "a number");
    if (value.getKindCase() != Value.KindCase.NUMBER_VALUE
        || !Double.isFinite(value.getNumberValue())) {
      throw bad(name, "a number", text(value));
    }
    return value.getNumberValue();
  }

  /** A whole number in {@code least..most}. */
  public int integer(String name, int least, int most) throws StageFailure {
    double number = number(name);
    if (number != Math.rint(number)
        || Math.abs(number) > LARGEST_INTEGER
        || number < least
        || number > most) {
      throw bad(name, "a whole number in %d..%d".formatted(least, most), String.valueOf(number));
    }
    return (int) number;
  }

  public String text(String name) throws StageFailure {
    Value value = value(name, "a text");
    if (value.getKindCase() != Value.KindCase.STRING_VALUE) {
      throw bad(name, "a text", text(value));
    }
    return value.getStringValue();
  }

  /** The parameter where it is given and not null. */
  public Optional<Value> find(String name) {
    return Optional.ofNullable(values.get(name))
        .filter(value -> value.getKindCase() != Value.KindCase.NULL_VALUE);
  }

  /** All parameters that are numbers, texts or flags, for methods that look up their own. */
  public Map<String, Object> all() {
    Map<String, Object> all = new TreeMap<>();
    values.forEach(
        (name, value) -> {
          switch (value.getKindCase()) {
            case NUMBER_VALUE -> all.put(name, value.getNumberValue());
            case STRING_VALUE -> all.put(name, value.getStringValue());
            case BOOL_VALUE -> all.put(name, value.getBoolValue());
            case NULL_VALUE, STRUCT_VALUE, LIST_VALUE, KIND_NOT_SET -> {}
          }
        });
    return all;
  }

  private Value value(String name, String expected) throws StageFailure {
    return find(name).orElseThrow(() -> bad(name, expected, "nothing"));
  }

  private static String text(Value value) {
    return value.getKindCase().name().toLowerCase(Locale.ROOT).replace("_value", "");
  }

  /** The failure that says what a parameter should have been. */
  public static StageFailure bad(String name, String expected, String found) {
    return new StageFailure(
        FailureCategory.FAILURE_CATEGORY_SPEC,
        "BAD_PARAMETER",
        "parameter %s: expected %s but found %s".formatted(name, expected, found));
  }
}
