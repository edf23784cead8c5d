package dev.espalier.benchmarks;

import java.util.Map;
import java.util.TreeMap;

/** Command line pairs {@code --name value}, taken one by one. */
public final class Arguments {

  private final Map<String, String> given = new TreeMap<>();

  private Arguments() {}

  public static Arguments of(String[] arguments) {
    Arguments result = new Arguments();
    for (int i = 0; i < arguments.length; i += 2) {
      if (!arguments[i].startsWith("--") || i + 1 == arguments.length) {
        throw new IllegalArgumentException(
            "expected pairs of --name value but found " + arguments[i]);
      }
      result.given.put(arguments[i].substring(2), arguments[i + 1]);
    }
    return result;
  }

  public String text(String name, String otherwise) {
    String value = given.remove(name);
    return value == null ? otherwise : value;
  }

  public int integer(String name, int otherwise) {
    String value = text(name, Integer.toString(otherwise));
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("--" + name + " must be an integer but is " + value, e);
    }
  }

  public double number(String name, double otherwise) {
    String value = text(name, Double.toString(otherwise));
    try {
      return Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("--" + name + " must be a number but is " + value, e);
    }
  }

  public void refuseRest() {
    if (!given.isEmpty()) {
      throw new IllegalArgumentException(
          "unknown options: --" + String.join(", --", given.keySet()));
    }
  }
}
