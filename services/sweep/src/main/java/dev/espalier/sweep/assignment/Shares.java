package dev.espalier.sweep.assignment;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Slots that teams and sweeps hold, while one batch is worked out. */
final class Shares {

  private final Map<String, Integer> byTeam = new HashMap<>();
  private final Map<String, Integer> kept = new HashMap<>();
  private final Map<String, Integer> bySweep = new HashMap<>();
  private final Map<String, Integer> longest = new HashMap<>();

  Shares(List<Occupation> occupations) {
    occupations.forEach(o -> add(o.team(), o.sweepId(), o.remaining()));
  }

  void add(String team, String sweepId, int remaining) {
    byTeam.merge(team, 1, Integer::sum);
    bySweep.merge(sweepId, 1, Integer::sum);
    longest.merge(sweepId, remaining, Math::max);
  }

  int ofTeam(String team) {
    return byTeam.getOrDefault(team, 0);
  }

  /** A slot of the team's quota stays for a stage that a host is kept free for. */
  void keepSlot(String team) {
    kept.merge(team, 1, Integer::sum);
  }

  /** What counts against the quota of the offer's team before it is given. */
  int against(Offer offer) {
    return ofTeam(offer.team()) + (offer.alone() ? 0 : kept.getOrDefault(offer.team(), 0));
  }

  int ofSweep(String sweepId) {
    return bySweep.getOrDefault(sweepId, 0);
  }

  /** Stages left of the longest walk that the sweep works on. */
  int longest(String sweepId) {
    return longest.getOrDefault(sweepId, 0);
  }

  /** The first slot ends trials; from the second on the longest walk must not stand still. */
  boolean wantsCriticalPath(String sweepId) {
    return ofSweep(sweepId) > 0;
  }
}
