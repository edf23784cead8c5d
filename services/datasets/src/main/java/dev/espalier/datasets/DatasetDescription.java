package dev.espalier.datasets;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What {@code dataset.json} holds: all of a dataset but its pixels and labels, as canonical JSON
 * (sorted keys, no spaces). Exactly that form is read back, because a second spelling of the same
 * dataset would be a second digest.
 */
record DatasetDescription(
    String name, int channels, int imageSize, int classes, List<Double> mean, List<Double> std) {

  static final int MAX_BYTES = 64 << 10;

  private static final String NUMBERS = "\\[([-+0-9.eE,]{1,200})\\]";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9 ._-]{1,100}");
  private static final Pattern CANONICAL =
      Pattern.compile(
          "\\{\"channels\":(\\d{1,9}),\"classes\":(\\d{1,9}),\"format\":\"espalier-dataset-1\","
              + "\"imageSize\":(\\d{1,9}),\"mean\":"
              + NUMBERS
              + ",\"name\":\"("
              + NAME
              + ")\",\"std\":"
              + NUMBERS
              + "\\}");

  DatasetDescription {
    if (!NAME.matcher(name).matches()) {
      throw new InvalidDatasetException(
          "dataset name: expected 1 to 100 letters, digits, spaces, '.', '_' or '-' but found \""
              + name.substring(0, Math.min(name.length(), 100))
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
    return "{\"channels\":%d,\"classes\":%d,\"format\":\"espalier-dataset-1\",\"imageSize\":%d,\"mean\":%s,\"name\":\"%s\",\"std\":%s}"
        .formatted(channels, classes, imageSize, json(mean), name, json(std));
  }

  private static String json(List<Double> numbers) {
    return numbers.stream().map(String::valueOf).collect(Collectors.joining(",", "[", "]"));
  }

  static DatasetDescription parse(String json) {
    Matcher found = CANONICAL.matcher(json);
    if (!found.matches()) {
      throw new InvalidDatasetException(
          "dataset.json: expected the canonical description of format espalier-dataset-1 but found "
              + json.substring(0, Math.min(json.length(), 100)));
    }
    try {
      return new DatasetDescription(
          found.group(5),
          Integer.parseInt(found.group(1)),
          Integer.parseInt(found.group(3)),
          Integer.parseInt(found.group(2)),
          numbers(found.group(4)),
          numbers(found.group(6)));
    } catch (NumberFormatException e) {
      throw new InvalidDatasetException("dataset.json: " + e.getMessage(), e);
    }
  }

  private static List<Double> numbers(String text) {
    return Arrays.stream(text.split(",", -1)).map(Double::valueOf).toList();
  }
}
