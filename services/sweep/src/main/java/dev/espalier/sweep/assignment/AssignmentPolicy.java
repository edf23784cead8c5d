package dev.espalier.sweep.assignment;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Who works on what. The sweep that has the least for its weight goes first, and within it the
 * stage that is furthest along. A stage that must run alone waits for an idle host; once it has
 * waited too long, a host takes nothing new until the stage has run there.
 *
 * @param aloneWait how long a stage that must run alone waits before a host is kept free for it
 * @param ageing waiting that is worth one point of priority
 */
public record AssignmentPolicy(Duration aloneWait, Duration ageing) {

  public static final AssignmentPolicy DEFAULT =
      new AssignmentPolicy(Duration.ofSeconds(15), Duration.ofSeconds(30));

  /** Points of priority that double a sweep's share. */
  private static final double DOUBLING = 10;

  private static final double MOST_AGEING = 100;

  public List<Assignment> assign(
      Instant now, List<Worker> workers, List<Occupation> occupations, List<Offer> offers) {
    Round round = new Round(now, workers, occupations);
    round.reserveHosts(offers);
    List<Assignment> assignments = new ArrayList<>();
    List<Offer> open = new ArrayList<>(offers);
    open.sort(FURTHEST_FIRST);
    while (!open.isEmpty() && round.hasFreeSlot()) {
      Optional<Choice> choice = round.next(open);
      if (choice.isEmpty()) {
        break;
      }
      Offer offer = choice.get().offer();
      round.occupy(offer, choice.get().worker());
      open.remove(offer);
      assignments.add(new Assignment(offer.stageId(), choice.get().worker().workerId()));
    }
    return assignments;
  }

  private static final Comparator<Offer> FURTHEST_FIRST =
      Comparator.comparingInt(Offer::rank)
          .reversed()
          .thenComparing(Offer::runnableSince)
          .thenComparing(Offer::stageId);

  private record Choice(Offer offer, Worker worker) {}

  /** What is taken while one batch is worked out. */
  private final class Round {

    private final Instant now;
    private final List<Worker> workers;
    private final Map<String, Integer> free = new HashMap<>();
    private final Map<String, Integer> busyOnHost = new HashMap<>();
    private final Set<String> takenHosts = new HashSet<>();
    private final Set<String> reservedHosts = new HashSet<>();
    private final Map<String, Integer> held = new HashMap<>();

    Round(Instant now, List<Worker> workers, List<Occupation> occupations) {
      this.now = now;
      this.workers = workers.stream().sorted(Comparator.comparing(Worker::workerId)).toList();
      workers.forEach(worker -> free.put(worker.workerId(), worker.slots() - worker.running()));
      for (Occupation occupation : occupations) {
        busyOnHost.merge(occupation.host(), 1, Integer::sum);
        held.merge(occupation.sweepId(), 1, Integer::sum);
        if (occupation.alone()) {
          takenHosts.add(occupation.host());
        }
      }
    }

    boolean hasFreeSlot() {
      return free.values().stream().anyMatch(slots -> slots > 0);
    }

    /** One host for each kind of stage that has waited too long to be alone. */
    void reserveHosts(List<Offer> offers) {
      offers.stream()
          .filter(Offer::alone)
          .filter(offer -> !now.isBefore(offer.runnableSince().plus(aloneWait)))
          .sorted(Comparator.comparing(Offer::runnableSince).thenComparing(Offer::stageId))
          .forEach(
              offer -> {
                List<String> hosts =
                    workers.stream()
                        .filter(worker -> able(worker, offer))
                        .map(Worker::host)
                        .distinct()
                        .toList();
                if (hosts.stream().noneMatch(reservedHosts::contains)) {
                  hosts.stream()
                      .min(
                          Comparator.comparingInt((String host) -> busyOnHost.getOrDefault(host, 0))
                              .thenComparing(Comparator.naturalOrder()))
                      .ifPresent(reservedHosts::add);
                }
              });
    }

    /** {@code open} is sorted, so that the first that fits of each sweep is the sweep's best. */
    Optional<Choice> next(List<Offer> open) {
      Map<String, Choice> best = new HashMap<>();
      for (Offer offer : open) {
        if (!best.containsKey(offer.sweepId())) {
          fitting(offer).ifPresent(worker -> best.put(offer.sweepId(), new Choice(offer, worker)));
        }
      }
      return best.values().stream()
          .min(
              Comparator.comparingDouble((Choice choice) -> share(choice.offer()))
                  .thenComparing(choice -> choice.offer().runnableSince())
                  .thenComparing(choice -> choice.offer().stageId()));
    }

    /**
     * What the sweep holds already, for its weight. One more would make it {@code 1/weight} more.
     */
    private double share(Offer offer) {
      double waited = Duration.between(offer.runnableSince(), now).toMillis();
      double points =
          offer.priority()
              + Math.max(0, Math.min(MOST_AGEING, waited / Math.max(1, ageing.toMillis())));
      double weight = Math.pow(2, points / DOUBLING);
      return (held.getOrDefault(offer.sweepId(), 0) + 1) / weight;
    }

    private Optional<Worker> fitting(Offer offer) {
      return workers.stream()
          .filter(worker -> free.get(worker.workerId()) > 0)
          .filter(worker -> able(worker, offer))
          .filter(worker -> !takenHosts.contains(worker.host()))
          .filter(
              worker ->
                  offer.alone()
                      ? busyOnHost.getOrDefault(worker.host(), 0) == 0
                      : !reservedHosts.contains(worker.host()))
          .min(
              Comparator.comparingInt((Worker worker) -> busyOnHost.getOrDefault(worker.host(), 0))
                  .thenComparing(worker -> -free.get(worker.workerId()))
                  .thenComparing(Worker::workerId));
    }

    private boolean able(Worker worker, Offer offer) {
      return worker.capabilities().contains(offer.needs())
          && (offer.deviceKind().isEmpty() || offer.deviceKind().equals(worker.deviceKind()));
    }

    void occupy(Offer offer, Worker worker) {
      free.merge(worker.workerId(), -1, Integer::sum);
      busyOnHost.merge(worker.host(), 1, Integer::sum);
      held.merge(offer.sweepId(), 1, Integer::sum);
      if (offer.alone()) {
        takenHosts.add(worker.host());
      }
    }
  }
}
