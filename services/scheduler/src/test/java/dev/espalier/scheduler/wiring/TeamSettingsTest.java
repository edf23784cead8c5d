package dev.espalier.scheduler.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.sweep.assignment.TeamShare;
import io.quarkus.runtime.configuration.DurationConverter;
import io.smallrye.config.EnvConfigSource;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.util.Map;
import org.eclipse.microprofile.config.spi.ConfigSource;
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
    assertThat(
            shares(
                new EnvConfigSource(
                    Map.of(
                        "ESPALIER_TEAMS_VISION_WEIGHT",
                        "3",
                        "ESPALIER_TEAMS_VISION_DEVICE_HOURS",
                        "7"),
                    300)))
        .containsOnly(Map.entry("vision", new TeamShare(3, Integer.MAX_VALUE, 7)));
  }

  /** As the chart writes them, because capitals lose a dash. */
  @Test
  void readsThemFromVariablesSpeltAsTheSettings() {
    assertThat(
            shares(
                new EnvConfigSource(
                    Map.of(
                        "espalier.teams.vision-lab_2.weight",
                        "3",
                        "espalier.teams.vision-lab_2.slots",
                        "0",
                        "espalier.teams.vision-lab_2.device-hours",
                        "1e+07"),
                    300)))
        .containsOnly(Map.entry("vision-lab_2", new TeamShare(3, 0, 1e7)));
  }

  @ParameterizedTest
  @CsvSource({
    "espalier.teams.vision.weight, 0, espalier.teams.vision.weight: expected a number above 0",
    "espalier.teams.vision.weight, NaN, espalier.teams.vision.weight: expected a number above 0",
    "espalier.teams.vision.slots, -1, espalier.teams.vision.slots: expected a number from 0",
    "espalier.teams.vision.device-hours, -2, espalier.teams.vision.device-hours: expected",
    "espalier.teams.vision.slots, many, espalier.teams.vision.slots",
    "espalier.teams.\"a b\".slots, 1, espalier.teams.a b: expected the name of a team"
  })
  void namesTheKeyThatIsWrong(String key, String value, String message) {
    assertThatThrownBy(() -> shares(Map.of(key, value))).hasMessageContaining(message);
  }

  private static Map<String, TeamShare> shares(Map<String, String> properties) {
    return shares(new PropertiesConfigSource(properties, "test", 300));
  }

  private static Map<String, TeamShare> shares(ConfigSource source) {
    return TeamSettings.shares(
        new SmallRyeConfigBuilder()
            .withMapping(SchedulerConfig.class)
            .withConverter(Duration.class, 300, new DurationConverter())
            .withSources(source)
            .build()
            .getConfigMapping(SchedulerConfig.class)
            .teams());
  }
}
