package dev.espalier.sweep.assignment;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Who works on what: team before team, within it sweep before sweep, within it stage before stage.
 *
 * <ul>
 *   <li><b>Teams</b>: below its quota, the one that has used the fewest slot-seconds for its
 *       weight.
 *   <li><b>Sweeps</b>: the one that holds the fewest slots for its weight, which doubles with every
 *       ten points of priority; waiting without any slot adds points.
 *   <li><b>Stages</b>: the first slot of a sweep goes to what is furthest along, so that trials
 *       end; another keeps its longest remaining walk going, the critical path; the rest again to
 *       what is furthest along.
 * </ul>
 *
 * <p>A stage that must run alone waits for an idle host. Once it has waited too long, a host takes
 * nothing new until the stage has run there, and its team keeps a slot of its quota for it: it
 * waits no longer than for what runs on that host, and for the few that queue for the same host.
 *
 * @param aloneWait how long a stage that must run alone waits before a host is kept free for it
 * @param ageing waiting of a sweep without a new slot that is worth one point of priority
 * @param teams weights and quotas; a team that is not named is {@link TeamShare#ORDINARY}
 */
public record AssignmentPolicy(Duration aloneWait, Duration ageing, Map<String, TeamShare> teams) {

  public static final AssignmentPolicy DEFAULT =
      new AssignmentPolicy(Duration.ofSeconds(15), Duration.ofSeconds(30), Map.of());

  /** Points of priority that double a sweep's share. */
  private static final double DOUBLING = 10;

  private static final double MOST_AGEING = 100;

  /** Slot-seconds that a team is charged for a slot as soon as it holds it. */
  private static final double DEPOSIT = 30;

  private static final Comparator<Offer> FURTHEST_FIRST =
      Comparator.comparingInt(Offer::rank)
          .reversed()
          .thenComparing(Offer::runnableSince)
          .thenComparing(Offer::stageId);

  public AssignmentPolicy {
    teams = Map.copyOf(teams);
  }

  public List<Assignment> assign(
      Instant now,
      List<Worker> workers,
      List<Occupation> occupations,
      List<Offer> offers,
      Standing standing) {
    Slots slots = new Slots(workers, occupations);
    Shares shares = new Shares(occupations);
    slots
        .reserveHosts(
            offers.stream()
                .filter(Offer::alone)
                .filter(offer -> !now.isBefore(offer.runnableSince().plus(aloneWait)))
                .filter(offer -> shares.ofTeam(offer.team()) < team(offer.team()).slots())
                .sorted(Comparator.comparing(Offer::runnableSince).thenComparing(Offer::stageId))
                .toList())
        .forEach(offer -> shares.keepSlot(offer.team()));
    List<Assignment> assignments = new ArrayList<>();
    List<Offer> open = new ArrayList<>(offers);
    open.sort(FURTHEST_FIRST);
    while (!open.isEmpty() && slots.anyFree()) {
      Optional<Choice> choice = next(now, open, slots, shares, standing);
      if (choice.isEmpty()) {
        break;
      }
      Offer offer = choice.get().offer();
      slots.occupy(offer, choice.get().worker());
      shares.add(offer.team(), offer.sweepId(), offer.remaining());
      open.remove(offer);
      assignments.add(new Assignment(offer.stageId(), choice.get().worker().workerId()));
    }
    return assignments;
  }

  private record Choice(Offer offer, Worker worker) {}

  private Optional<Choice> next(
      Instant now, List<Offer> open, Slots slots, Shares shares, Standing standing) {
    return bestOfEachSweep(open, slots, shares).stream()
        .min(
            Comparator.comparingDouble(
                    (Choice choice) -> share(choice.offer().team(), shares, standing))
                .thenComparing(choice -> -team(choice.offer().team()).weight())
                .thenComparing(choice -> choice.offer().team())
                .thenComparingDouble(choice -> share(choice.offer(), now, shares, standing))
                .thenComparing(choice -> choice.offer().runnableSince())
                .thenComparing(choice -> choice.offer().stageId()));
  }

  /** {@code open} is sorted, so that the first of a sweep that fits is the furthest along. */
  private List<Choice> bestOfEachSweep(List<Offer> open, Slots slots, Shares shares) {
    Map<String, Choice> best = new LinkedHashMap<>();
    for (Offer offer : open) {
      if (shares.against(offer) >= team(offer.team()).slots()) {
        continue;
      }
      Choice known = best.get(offer.sweepId());
      boolean better =
          known == null
              || shares.wantsCriticalPath(offer.sweepId())
                  && offer.remaining() > shares.longest(offer.sweepId())
                  && offer.remaining() > known.offer().remaining();
      if (better) {
        slots
            .fitting(offer)
            .ifPresent(worker -> best.put(offer.sweepId(), new Choice(offer, worker)));
      }
    }
    return List.copyOf(best.values());
  }

  private TeamShare team(String name) {
    return teams.getOrDefault(name, TeamShare.ORDINARY);
  }

  /** What the team has had and has now, for its weight. */
  private double share(String name, Shares shares, Standing standing) {
    double used = standing.slotSeconds().getOrDefault(name, 0.0);
    return (used + DEPOSIT * shares.ofTeam(name)) / team(name).weight();
  }

  /** What the sweep would hold with one more slot, for its weight. */
  private double share(Offer offer, Instant now, Shares shares, Standing standing) {
    Instant since = offer.runnableSince();
    Instant served = standing.servedAt().get(offer.sweepId());
    if (served != null && served.isAfter(since)) {
      since = served;
    }
    double waited = Duration.between(since, now).toMillis();
    double points =
        offer.priority()
            + Math.max(0, Math.min(MOST_AGEING, waited / Math.max(1, ageing.toMillis())));
    return (shares.ofSweep(offer.sweepId()) + 1) / Math.pow(2, points / DOUBLING);
  }
}
