package dev.espalier.scheduler.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.sweep.assignment.TeamShare;
import io.smallrye.config.EnvConfigSource;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TeamSettingsTest {

  @Test
  void readsWeightsAndQuotas() {
    assertThat(
            shares(
                Map.of(
                    "espalier.teams.vision.weight", "2.5",
                    "espalier.teams.vision.slots", "8",
                    "espalier.teams.speech.slots", "0")))
        .containsOnly(
            Map.entry("vision", new TeamShare(2.5, 8)), Map.entry("speech", new TeamShare(1, 0)));
    assertThat(shares(Map.of())).isEmpty();
  }

  @Test
  void readsThemFromTheEnvironment() {
    SchedulerConfig config =
        new SmallRyeConfigBuilder()
            .withMapping(SchedulerConfig.class)
            .withSources(new EnvConfigSource(Map.of("ESPALIER_TEAMS_VISION_WEIGHT", "3"), 300))
            .build()
            .getConfigMapping(SchedulerConfig.class);

    assertThat(TeamSettings.shares(config.teams()))
        .containsOnly(Map.entry("vision", new TeamShare(3, Integer.MAX_VALUE)));
  }

  @ParameterizedTest
  @CsvSource({
    "espalier.teams.vision.weight, 0, espalier.teams.vision.weight: expected a number above 0",
    "espalier.teams.vision.weight, NaN, espalier.teams.vision.weight: expected a number above 0",
    "espalier.teams.vision.slots, -1, espalier.teams.vision.slots: expected a number from 0",
    "espalier.teams.vision.slots, many, espalier.teams.vision.slots",
    "espalier.teams.\"a b\".slots, 1, espalier.teams.a b: expected the name of a team"
  })
  void namesTheKeyThatIsWrong(String key, String value, String message) {
    assertThatThrownBy(() -> shares(Map.of(key, value))).hasMessageContaining(message);
  }

  private static Map<String, TeamShare> shares(Map<String, String> properties) {
    return TeamSettings.shares(
        new SmallRyeConfigBuilder()
            .withMapping(SchedulerConfig.class)
            .withSources(new PropertiesConfigSource(properties, "test", 300))
            .build()
            .getConfigMapping(SchedulerConfig.class)
            .teams());
  }
}
