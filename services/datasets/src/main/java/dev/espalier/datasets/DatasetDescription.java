package dev.espalier.datasets;

import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.json.JsonException;
import dev.espalier.architecture.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What {@code dataset.json} holds: all of a dataset but its pixels and labels, as canonical JSON.
 * Exactly that form is read back, because a second spelling of the same dataset would be a second
 * digest.
 */
record DatasetDescription(
    String name, int channels, int imageSize, int classes, List<Double> mean, List<Double> std) {

  static final int MAX_BYTES = 64 << 10;

  private static final String FORMAT = "espalier-dataset-1";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9 ._-]{1,100}");

  DatasetDescription {
    if (!NAME.matcher(name).matches()) {
      throw new InvalidDatasetException(
          "dataset name: expected 1 to 100 letters, digits, spaces, '.', '_' or '-' but found \""
              + shortened(name)
              + "\"");
    }
  }

  static DatasetDescription of(ImageDataset dataset) {
    return new DatasetDescription(
        dataset.name(),
        dataset.channels(),
        dataset.imageSize(),
        dataset.classes(),
        dataset.mean(),
        dataset.std());
  }

  String json() {
    return Json.canonical(
        Map.of(
            "channels", channels,
            "classes", classes,
            "format", FORMAT,
            "imageSize", imageSize,
            "mean", mean,
            "name", name,
            "std", std));
  }

  static DatasetDescription parse(String json) {
    DatasetDescription description;
    try {
      JsonObject tree = Json.parseObject(json);
      description =
          new DatasetDescription(
              tree.text("name"),
              tree.count("channels"),
              tree.count("imageSize"),
              tree.count("classes"),
              numbers(tree, "mean"),
              numbers(tree, "std"));
    } catch (JsonException e) {
      throw new InvalidDatasetException("dataset.json: " + shortened(e.getMessage()), e);
    }
    if (!description.json().equals(json)) {
      throw new InvalidDatasetException(
          "dataset.json: expected the canonical description of format %s but found %s"
              .formatted(FORMAT, shortened(json)));
    }
    return description;
  }

  private static List<Double> numbers(JsonObject tree, String name) {
    List<Double> numbers = new ArrayList<>();
    for (Object element : tree.array(name)) {
      if (!(element instanceof Number number)) {
        throw new JsonException("%s must hold numbers but has %s".formatted(name, element));
      }
      numbers.add(number.doubleValue());
    }
    return numbers;
  }

  private static String shortened(String text) {
    return text.substring(0, Math.min(text.length(), 200));
  }
}
