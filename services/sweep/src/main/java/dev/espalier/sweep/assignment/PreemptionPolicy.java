package dev.espalier.sweep.assignment;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Which running stages must give their slots back. Only those do that can go on from a checkpoint.
 *
 * <ul>
 *   <li><b>Quota</b>: what a team holds beyond it, the latest first.
 *   <li><b>Priority</b>: for a stage that has waited for too long, one of the same team whose
 *       priority is lower by enough to halve its share.
 *   <li><b>Starvation</b>: for a stage of a team that holds nothing and has waited for too long,
 *       one of the team that has used the most for its weight.
 * </ul>
 *
 * <p>The last two take from stages that have run for as long, so that none is pushed about without
 * getting anywhere, and one at a time, so that what is freed can be given before more is.
 *
 * @param patience how long a stage waits, and how long one runs, before a slot is taken
 */
public record PreemptionPolicy(Duration patience, Map<String, TeamShare> teams) {

  /** Points that double a share, see {@link AssignmentPolicy}. */
  private static final int HALVED = 10;

  public PreemptionPolicy {
    teams = Map.copyOf(teams);
  }

  public List<Preemption> preempt(
      Instant now,
      List<Worker> workers,
      List<Occupation> occupations,
      List<Offer> offers,
      Standing standing) {
    List<Preemption> all = new ArrayList<>(overQuota(occupations));
    boolean slotsComeFree = !all.isEmpty() || occupations.stream().anyMatch(Occupation::yielding);
    if (!slotsComeFree) {
      forWaiting(now, workers, occupations, offers, standing).ifPresent(all::add);
    }
    return all;
  }

  private List<Preemption> overQuota(List<Occupation> occupations) {
    Map<String, Integer> staying = new HashMap<>();
    occupations.stream()
        .filter(row -> !row.yielding())
        .forEach(row -> staying.merge(row.team(), 1, Integer::sum));
    List<Preemption> over = new ArrayList<>();
    occupations.stream()
        .filter(row -> row.preemptible() && !row.yielding())
        .sorted(LATEST_FIRST)
        .forEach(
            row -> {
              int quota = share(row.team()).slots();
              if (staying.get(row.team()) > quota) {
                staying.merge(row.team(), -1, Integer::sum);
                over.add(
                    new Preemption(
                        row.stageId(),
                        "team %s is over its quota of %d slots".formatted(row.team(), quota)));
              }
            });
    return over;
  }

  private static final Comparator<Occupation> LATEST_FIRST =
      Comparator.comparing(Occupation::since).reversed().thenComparing(Occupation::stageId);

  private Optional<Preemption> forWaiting(
      Instant now,
      List<Worker> workers,
      List<Occupation> occupations,
      List<Offer> offers,
      Standing standing) {
    Instant before = now.minus(patience);
    Slots slots = new Slots(workers, occupations);
    Shares shares = new Shares(occupations);
    return offers.stream()
        .filter(offer -> !offer.alone() && !waitingSince(offer, standing).isAfter(before))
        .filter(offer -> shares.ofTeam(offer.team()) < share(offer.team()).slots())
        .filter(offer -> slots.fitting(offer).isEmpty())
        .sorted(
            Comparator.comparingInt(Offer::priority)
                .reversed()
                .thenComparing(Offer::runnableSince)
                .thenComparing(Offer::stageId))
        .flatMap(offer -> victim(offer, before, slots, occupations, shares, standing).stream())
        .findFirst();
  }

  private static Instant waitingSince(Offer offer, Standing standing) {
    Instant served = standing.servedAt().getOrDefault(offer.sweepId(), Instant.MIN);
    return served.isAfter(offer.runnableSince()) ? served : offer.runnableSince();
  }

  private Optional<Preemption> victim(
      Offer offer,
      Instant before,
      Slots slots,
      List<Occupation> occupations,
      Shares shares,
      Standing standing) {
    Predicate<Occupation> lower =
        row -> row.team().equals(offer.team()) && row.priority() + HALVED <= offer.priority();
    Predicate<Occupation> greedy =
        row ->
            shares.ofTeam(offer.team()) == 0
                && !row.team().equals(offer.team())
                && used(row.team(), standing) > used(offer.team(), standing);
    return occupations.stream()
        .filter(row -> row.preemptible() && !row.since().isAfter(before))
        .filter(lower.or(greedy))
        .filter(row -> slots.couldServe(row.workerId(), offer))
        .min(
            Comparator.comparing((Occupation row) -> !lower.test(row))
                .thenComparingInt(Occupation::priority)
                .thenComparing(row -> -used(row.team(), standing))
                .thenComparing(LATEST_FIRST))
        .map(
            row ->
                new Preemption(
                    row.stageId(),
                    lower.test(row)
                        ? "sweep %s of priority %d waits"
                            .formatted(offer.sweepId(), offer.priority())
                        : "team %s has no slot".formatted(offer.team())));
  }

  private double used(String team, Standing standing) {
    return standing.slotSeconds().getOrDefault(team, 0.0) / share(team).weight();
  }

  private TeamShare share(String team) {
    return teams.getOrDefault(team, TeamShare.ORDINARY);
  }
}
