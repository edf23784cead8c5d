package dev.espalier.scheduler.security;

import java.util.List;
import java.util.Optional;

/**
 * Who asks.
 *
 * @param name as events record it
 * @param teams whose sweeps the caller may submit and steer; an operator may for every team
 */
public record Caller(String name, Role role, List<String> teams) {

  /** Whoever reaches the loopback door of the embedded installation. */
  public static final Caller LOCAL = new Caller("local", Role.OPERATOR, List.of());

  /** Events hold no longer names. */
  static final int LONGEST_NAME = 128;

  public Caller {
    teams = List.copyOf(teams);
  }

  public boolean may(Role wanted) {
    return role.compareTo(wanted) >= 0;
  }

  public boolean mayActFor(String team) {
    return role == Role.OPERATOR || (may(Role.SUBMITTER) && teams.contains(team));
  }

  /** The team of a sweep that names none: the only one the caller has. */
  public Optional<String> onlyTeam() {
    return teams.size() == 1 ? Optional.of(teams.get(0)) : Optional.empty();
  }

  /** Why {@link #mayActFor} said no. */
  public String refusal(String team) {
    return "%s (%s, teams %s) may not act for team %s"
        .formatted(name, role.text(), teams, team.replaceAll("\\p{Cntrl}", "\ufffd"));
  }
}
