package dev.espalier.pruning.method;

import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a search works on.
 *
 * @param base the model to prune
 * @param parameters of the search stage: the method's own, and {@code keepRatioFrom}, {@code
 *     keepRatioTo}, {@code targetKind} for a link of a chain
 * @param seed of everything random
 * @param images where the method looks at data
 * @param trajectory of the link before; empty for the first
 * @param checkpoint of an earlier attempt at this same search
 * @param latency measured latencies of the base, where the target or the method needs them
 */
public record SearchRequest(
    VitWeights base,
    Map<String, Object> parameters,
    long seed,
    Optional<Images> images,
    Optional<byte[]> trajectory,
    Optional<byte[]> checkpoint,
    Optional<LatencyTable> latency,
    SearchObserver observer) {

  public SearchRequest {
    parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
    latency.ifPresent(table -> table.requireFor(base.architecture()));
  }

  /**
   * Data and the engine to run it through.
   *
   * @param threads of one operation
   * @param precision of the large products
   */
  public record Images(
      ImageDataset dataset, TensorEngine tensors, int threads, Precision precision) {}

  /** A search that needs neither data nor a past. */
  public static SearchRequest of(VitWeights base, Map<String, Object> parameters, long seed) {
    return new SearchRequest(
        base,
        parameters,
        seed,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        SearchObserver.NONE);
  }

  /** The same search on data. */
  public SearchRequest on(Images images) {
    return new SearchRequest(
        base, parameters, seed, Optional.of(images), trajectory, checkpoint, latency, observer);
  }

  /** The same search as a link that follows another. */
  public SearchRequest after(byte[] trajectory) {
    return new SearchRequest(
        base, parameters, seed, images, Optional.of(trajectory), checkpoint, latency, observer);
  }

  /** The same search, going on from a checkpoint. */
  public SearchRequest from(byte[] checkpoint) {
    return new SearchRequest(
        base, parameters, seed, images, trajectory, Optional.of(checkpoint), latency, observer);
  }

  /** The same search with somebody to look at it. */
  public SearchRequest observedBy(SearchObserver observer) {
    return new SearchRequest(
        base, parameters, seed, images, trajectory, checkpoint, latency, observer);
  }

  /** The same search with what was measured of the base's latency. */
  public SearchRequest timedBy(LatencyTable table) {
    return new SearchRequest(
        base, parameters, seed, images, trajectory, checkpoint, Optional.of(table), observer);
  }

  /** Data, which the method needs. */
  public Images requireImages() {
    return images.orElseThrow(() -> new IllegalArgumentException("the search needs a dataset"));
  }

  /** A parameter that is a number. */
  public double number(String name) {
    return find(name, Number.class, "a number").doubleValue();
  }

  /** A parameter that is a whole number. */
  public int integer(String name) {
    double value = number(name);
    if (value != Math.rint(value) || Math.abs(value) > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "parameter %s must be a whole number but is %s".formatted(name, value));
    }
    return (int) value;
  }

  /** A parameter that is text. */
  public String text(String name) {
    return find(name, String.class, "text");
  }

  private <T> T find(String name, Class<T> type, String expected) {
    Object value = parameters.get(name);
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException(
          "parameter %s must be %s but is %s".formatted(name, expected, value));
    }
    return type.cast(value);
  }
}
