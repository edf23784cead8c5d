package dev.espalier.architecture.vit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which residual channels the two branches of a block read and write, where that is not all of
 * them: VTP narrows what the linears read, WDPruning what they write; the residual stream keeps its
 * width. Each list is ascending; an empty one stands for all channels.
 *
 * @param attentionReads channels of norm1's output that queries, keys and values are made from
 * @param attentionWrites channels that the projection adds to
 * @param mlpReads channels of norm2's output that fc1 reads
 * @param mlpWrites channels that fc2 adds to
 */
public record Wiring(
    List<Integer> attentionReads,
    List<Integer> attentionWrites,
    List<Integer> mlpReads,
    List<Integer> mlpWrites) {

  /** Every branch reads and writes every channel. */
  public static final Wiring ALL = new Wiring(List.of(), List.of(), List.of(), List.of());

  public Wiring {
    attentionReads = List.copyOf(attentionReads);
    attentionWrites = List.copyOf(attentionWrites);
    mlpReads = List.copyOf(mlpReads);
    mlpWrites = List.copyOf(mlpWrites);
    for (List<Integer> channels : List.of(attentionReads, attentionWrites, mlpReads, mlpWrites)) {
      int before = -1;
      for (int channel : channels) {
        if (channel <= before) {
          throw new IllegalArgumentException(
              "wiring must be strictly ascending from 0 but is " + channels);
        }
        before = channel;
      }
    }
  }

  /** Whether nothing is narrowed. */
  public boolean isAll() {
    return equals(ALL);
  }

  /** How many channels a list stands for in a stream of that width. */
  public static int width(List<Integer> channels, int embedding) {
    return channels.isEmpty() ? embedding : channels.size();
  }

  /**
   * The lists by name, in the order of the JSON form.
   *
   * @return {@code attentionReads}, {@code attentionWrites}, {@code mlpReads}, {@code mlpWrites}
   */
  public Map<String, List<Integer>> byName() {
    Map<String, List<Integer>> lists = new LinkedHashMap<>();
    lists.put("attentionReads", attentionReads);
    lists.put("attentionWrites", attentionWrites);
    lists.put("mlpReads", mlpReads);
    lists.put("mlpWrites", mlpWrites);
    return lists;
  }

  /**
   * The same wiring in a stream of which only some channels are left.
   *
   * @param kept channels of the old stream that are left, ascending
   * @throws IllegalArgumentException when a narrowed branch would have no channel left
   */
  public Wiring within(List<Integer> kept) {
    Map<Integer, Integer> places = new HashMap<>();
    kept.forEach(channel -> places.put(channel, places.size()));
    Map<String, List<Integer>> moved = new HashMap<>();
    byName()
        .forEach(
            (name, channels) -> {
              List<Integer> left = new ArrayList<>();
              channels.stream().filter(places::containsKey).map(places::get).forEach(left::add);
              if (left.isEmpty() && !channels.isEmpty()) {
                throw new IllegalArgumentException(
                    "%s must keep at least one of the kept residual channels".formatted(name));
              }
              moved.put(name, left.size() == kept.size() ? List.of() : left);
            });
    return new Wiring(
        moved.get("attentionReads"),
        moved.get("attentionWrites"),
        moved.get("mlpReads"),
        moved.get("mlpWrites"));
  }
}
