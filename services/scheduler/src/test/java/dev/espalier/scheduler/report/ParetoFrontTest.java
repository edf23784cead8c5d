package dev.espalier.scheduler.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ParetoFrontTest {

  private record Entry(String name, double cost, double accuracy) {}

  private static List<String> front(Entry... entries) {
    return ParetoFront.of(List.of(entries), Entry::cost, Entry::accuracy).stream()
        .map(Entry::name)
        .toList();
  }

  @Test
  void keepsWhatIsCheaperOrMoreAccurateInOrderOfCost() {
    assertThat(
            front(
                new Entry("base", 10, 0.9),
                new Entry("small", 4, 0.7),
                new Entry("middle", 6, 0.85)))
        .containsExactly("small", "middle", "base");
  }

  @Test
  void dropsWhatAnotherBeatsInBoth() {
    assertThat(front(new Entry("good", 4, 0.8), new Entry("bad", 5, 0.7))).containsExactly("good");
  }

  @Test
  void dropsWhatCostsMoreForTheSameAccuracy() {
    assertThat(front(new Entry("dear", 5, 0.8), new Entry("cheap", 4, 0.8)))
        .containsExactly("cheap");
  }

  @Test
  void dropsWhatIsLessAccurateAtTheSameCost() {
    assertThat(front(new Entry("worse", 4, 0.7), new Entry("better", 4, 0.8)))
        .containsExactly("better");
  }

  @Test
  void keepsBothOfTwoEqualEntries() {
    assertThat(front(new Entry("one", 4, 0.8), new Entry("two", 4, 0.8)))
        .containsExactly("one", "two");
  }

  @Test
  void neverHoldsNan() {
    assertThat(
            front(
                new Entry("nan accuracy", 1, Double.NaN),
                new Entry("nan cost", Double.NaN, 0.99),
                new Entry("sound", 4, 0.8)))
        .containsExactly("sound");
  }

  @Test
  void isEmptyWithoutEntries() {
    assertThat(front()).isEmpty();
  }

  @Test
  void everyEntryIsOnTheFrontOrBeatenByOneThatIs() {
    var random = new java.util.Random(3);
    for (int round = 0; round < 200; round++) {
      List<Entry> entries =
          java.util.stream.IntStream.range(0, 30)
              .mapToObj(i -> new Entry("e" + i, random.nextInt(8), random.nextInt(8)))
              .toList();
      List<Entry> front = ParetoFront.of(entries, Entry::cost, Entry::accuracy);
      for (Entry entry : entries) {
        boolean beaten =
            entries.stream()
                .anyMatch(
                    o ->
                        o.cost <= entry.cost
                            && o.accuracy >= entry.accuracy
                            && (o.cost < entry.cost || o.accuracy > entry.accuracy));
        assertThat(front.contains(entry)).as("%s of %s", entry, entries).isEqualTo(!beaten);
      }
    }
  }
}
