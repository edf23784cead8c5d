package dev.espalier.sweep.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GrowingMapTest {

  @Test
  void isWhatALinkedMapWouldBeAfterEachStep() {
    Random random = new Random(7);
    Map<String, Integer> expected = new LinkedHashMap<>();
    GrowingMap<Integer> map = GrowingMap.empty();
    for (int step = 0; step < 20_000; step++) {
      // "Aa" and "BB" have the same hash.
      String key = (random.nextBoolean() ? "Aa" : "BB") + random.nextInt(3000);
      if (random.nextInt(3) == 0) {
        expected.remove(key);
        map = map.without(key);
      } else {
        expected.put(key, step);
        map = map.with(key, step);
      }
      assertThat(map.size()).isEqualTo(expected.size());
      assertThat(map.get(key)).isEqualTo(expected.get(key));
    }
    assertThat(new ArrayList<>(map.entrySet())).isEqualTo(new ArrayList<>(expected.entrySet()));
    assertThat(map).isEqualTo(expected).containsExactlyEntriesOf(expected);
  }

  @Test
  void leavesItsPredecessorsAsTheyWere() {
    List<GrowingSet> all = new ArrayList<>(List.of(GrowingSet.empty()));
    for (int i = 0; i < 500; i++) {
      all.add(all.get(i).with("trial " + i));
    }
    for (int i = 0; i <= 500; i++) {
      assertThat(all.get(i)).hasSize(i);
      assertThat(all.get(i).contains("trial " + i)).isFalse();
    }
  }
}
