package dev.espalier.sweep.assignment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who gets what over time, in a world of slots and stages without input and output. */
class FairnessTest {

  private static final int COMPLETIONS = 600;

  static IntStream slotCounts() {
    return IntStream.of(1, 3, 16);
  }

  /** Whatever the slots, and although one team's stages are six times as long as the other's. */
  @ParameterizedTest
  @MethodSource("slotCounts")
  void teamsGetSlotSecondsByTheirWeights(int slots) {
    for (int seed = 0; seed < 2; seed++) {
      Farm farm = new Farm(slots, seed, policy(Map.of("a", new TeamShare(2, Integer.MAX_VALUE))));
      farm.submit("a", "long", 0, 100_000, 60, 300);
      farm.submit("b", "short", 0, 100_000, 10, 50);

      farm.run(Math.max(COMPLETIONS, 20 * slots));

      assertThat(farm.slotSeconds("a") / farm.slotSeconds("b"))
          .as("%d slots, seed %d", slots, seed)
          .isCloseTo(2.0, within(0.1));
    }
  }

  @Test
  void aTeamThatWasIdleIsNotOwedAllThatItLeft() {
    Farm farm = new Farm(8, 1, policy(Map.of()));
    farm.submit("a", "busy", 0, 100_000, 200, 400);
    farm.runUntil(Duration.ofHours(24));
    farm.submit("b", "late", 0, 100_000, 200, 400);
    farm.runUntil(Duration.ofHours(30));
    double a = farm.slotSeconds("a");
    double b = farm.slotSeconds("b");

    farm.runUntil(Duration.ofHours(36));

    assertThat(a - b).as("owed").isGreaterThan(15 * 8 * 3600);
    assertThat((farm.slotSeconds("a") - a) / (farm.slotSeconds("b") - b))
        .as("and forgotten after six half-lives")
        .isCloseTo(1, within(0.1));
  }

  @Test
  void aTeamAtItsQuotaLeavesTheRestToOthersAndNoSlotIdle() {
    Farm farm = new Farm(8, 1, policy(Map.of("a", new TeamShare(10, 3))));
    farm.submit("a", "limited", 0, 100_000, 20, 40);
    farm.submit("b", "other", 0, 100_000, 20, 40);

    farm.run(COMPLETIONS);

    assertThat(farm.mostHeld("a")).isEqualTo(3);
    assertThat(farm.slotSeconds("a") / farm.slotSeconds("b")).isCloseTo(3.0 / 5, within(0.03));
    assertThat(farm.idleSlotSeconds()).isZero();
  }

  @ParameterizedTest
  @MethodSource("slotCounts")
  void aLargeSweepDelaysASmallOnesFirstStageByAtMostOneStage(int slots) {
    Farm farm = new Farm(slots, 7, policy(Map.of()));
    farm.submit("a", "large", 0, 10_000, 30, 60);
    farm.runUntil(Duration.ofHours(2));

    farm.submit("a", "small", 0, 10, 30, 60);
    farm.runUntil(Duration.ofHours(3));

    assertThat(farm.firstStart("small")).isLessThanOrEqualTo(Duration.ofSeconds(60));
  }

  @Test
  void tenPointsOfPriorityDoubleASweepsShare() {
    Farm farm = new Farm(6, 3, policy(Map.of()));
    farm.submit("a", "high", 10, 100_000, 20, 40);
    farm.submit("a", "low", 0, 100_000, 20, 40);

    farm.run(COMPLETIONS);

    assertThat(farm.slotSecondsOfSweep("high") / farm.slotSecondsOfSweep("low"))
        .isCloseTo(2.0, within(0.1));
  }

  @Test
  void theLowestPriorityIsServedInTheEnd() {
    Farm farm = new Farm(1, 3, policy(Map.of()));
    farm.submit("a", "high", 50, 100_000, 20, 40);
    farm.submit("a", "low", 0, 100_000, 20, 40);

    farm.runUntil(Duration.ofHours(4));

    assertThat(farm.slotSecondsOfSweep("low")).isPositive();
    assertThat(farm.slotSecondsOfSweep("high")).isGreaterThan(10 * farm.slotSecondsOfSweep("low"));
  }

  private static AssignmentPolicy policy(Map<String, TeamShare> teams) {
    return new AssignmentPolicy(Duration.ofSeconds(15), Duration.ofSeconds(30), teams);
  }
}
