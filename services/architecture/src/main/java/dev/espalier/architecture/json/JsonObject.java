package dev.espalier.architecture.json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A JSON object being read by our own code: each accessor says what it wants and names the member
 * when it is missing or of another type.
 *
 * @param path where the object is in its document, "" for the document itself
 */
public record JsonObject(String path, Map<String, Object> members) {

  /** Views a tree's object. */
  public static JsonObject of(String path, Object tree) {
    if (!(tree instanceof Map<?, ?> map)) {
      throw new JsonException(
          "%s must be an object but is %s".formatted(path.isEmpty() ? "JSON" : path, tree));
    }
    Map<String, Object> members = new LinkedHashMap<>();
    map.forEach((key, value) -> members.put(String.valueOf(key), value));
    return new JsonObject(path, members);
  }

  public boolean has(String name) {
    return members.get(name) != null;
  }

  public String text(String name) {
    return want(name, String.class, "text");
  }

  public boolean flag(String name) {
    return want(name, Boolean.class, "true or false");
  }

  public double number(String name) {
    return want(name, Number.class, "a number").doubleValue();
  }

  public long integer(String name) {
    return integer(at(name), members.get(name));
  }

  /** An integer that fits an int. */
  public int count(String name) {
    return count(at(name), members.get(name));
  }

  public JsonObject object(String name) {
    return of(at(name), members.get(name));
  }

  public List<?> array(String name) {
    return want(name, List.class, "an array");
  }

  /** An array of objects. */
  public List<JsonObject> objects(String name) {
    List<JsonObject> objects = new ArrayList<>();
    for (Object element : array(name)) {
      objects.add(of("%s[%d]".formatted(at(name), objects.size()), element));
    }
    return objects;
  }

  /** An array of integers that fit an int. */
  public List<Integer> counts(String name) {
    List<Integer> counts = new ArrayList<>();
    for (Object element : array(name)) {
      counts.add(count("%s[%d]".formatted(at(name), counts.size()), element));
    }
    return counts;
  }

  private <T> T want(String name, Class<T> type, String expected) {
    Object value = members.get(name);
    if (!type.isInstance(value)) {
      throw new JsonException("%s must be %s but is %s".formatted(at(name), expected, value));
    }
    return type.cast(value);
  }

  private static long integer(String at, Object value) {
    if (value instanceof Number number && number.doubleValue() == Math.rint(number.doubleValue())) {
      return number.longValue();
    }
    throw new JsonException("%s must be an integer but is %s".formatted(at, value));
  }

  private static int count(String at, Object value) {
    long integer = integer(at, value);
    if (integer != (int) integer) {
      throw new JsonException("%s must fit 32 bits but is %d".formatted(at, integer));
    }
    return (int) integer;
  }

  private String at(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }
}
