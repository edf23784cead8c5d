package dev.espalier.scheduler.wiring;

import dev.espalier.scheduler.wiring.SchedulerConfig.TeamSection;
import dev.espalier.sweep.assignment.TeamShare;
import dev.espalier.sweep.spec.SweepSpecReader;
import java.util.Map;
import java.util.TreeMap;

/** Reads {@code espalier.teams}; what is wrong is named by its key. */
final class TeamSettings {

  private static final String PREFIX = "espalier.teams.";

  private TeamSettings() {}

  /**
   * @throws IllegalArgumentException naming the key, what was expected and what was found
   */
  static Map<String, TeamShare> shares(Map<String, TeamSection> sections) {
    Map<String, TeamShare> shares = new TreeMap<>();
    for (Map.Entry<String, TeamSection> section : sections.entrySet()) {
      String name = section.getKey();
      if (!SweepSpecReader.NAME.matcher(name).matches()) {
        throw new IllegalArgumentException(
            PREFIX + name + ": expected the name of a team but found \"" + name + '"');
      }
      try {
        shares.put(
            name,
            new TeamShare(
                section.getValue().weight(),
                section.getValue().slots().orElse(Integer.MAX_VALUE),
                section.getValue().deviceHours().orElse(Double.POSITIVE_INFINITY)));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(PREFIX + name + "." + e.getMessage(), e);
      }
    }
    return shares;
  }
}
