package dev.espalier.sweep.assignment;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Free slots and the hosts they are on, while one batch is worked out. */
final class Slots {

  /** Stages that wait for one host that is kept free, before another is kept free, too. */
  private static final int QUEUE = 8;

  private final List<Worker> workers;
  private final Map<String, Integer> free = new HashMap<>();
  private final Map<String, Integer> busyOnHost = new HashMap<>();
  private final Set<String> takenHosts = new HashSet<>();
  private final Set<String> reservedHosts = new HashSet<>();

  Slots(List<Worker> workers, List<Occupation> occupations) {
    this.workers = workers.stream().sorted(Comparator.comparing(Worker::workerId)).toList();
    workers.forEach(worker -> free.put(worker.workerId(), worker.slots() - worker.running()));
    for (Occupation occupation : occupations) {
      busyOnHost.merge(occupation.host(), 1, Integer::sum);
      if (occupation.alone()) {
        takenHosts.add(occupation.host());
      }
    }
  }

  boolean anyFree() {
    return free.values().stream().anyMatch(slots -> slots > 0);
  }

  /**
   * Keeps hosts free for stages that have waited too long to be alone, the longest first: one for
   * every {@link #QUEUE} of them that it could serve.
   *
   * @return those for which one more host is kept free
   */
  List<Offer> reserveHosts(List<Offer> impatient) {
    Map<String, Integer> queues = new HashMap<>();
    List<Offer> served = new ArrayList<>();
    for (Offer offer : impatient) {
      List<String> hosts =
          workers.stream()
              .filter(worker -> able(worker, offer))
              .map(Worker::host)
              .distinct()
              .toList();
      Optional<String> reserved =
          hosts.stream()
              .filter(host -> reservedHosts.contains(host) && queues.get(host) < QUEUE)
              .min(Comparator.comparingInt(queues::get));
      Optional<String> host =
          reserved.or(
              () ->
                  hosts.stream()
                      .filter(candidate -> !reservedHosts.contains(candidate))
                      .min(
                          Comparator.comparingInt(
                                  (String candidate) -> busyOnHost.getOrDefault(candidate, 0))
                              .thenComparing(Comparator.naturalOrder())));
      host.ifPresent(name -> queues.merge(name, 1, Integer::sum));
      if (reserved.isEmpty() && host.isPresent()) {
        reservedHosts.add(host.get());
        served.add(offer);
      }
    }
    return served;
  }

  /** The worker that would take it, on the least busy host. */
  Optional<Worker> fitting(Offer offer) {
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

  /** Whether the worker could take it, had it a free slot. */
  boolean couldServe(String workerId, Offer offer) {
    return workers.stream()
        .anyMatch(
            worker ->
                worker.workerId().equals(workerId)
                    && able(worker, offer)
                    && !takenHosts.contains(worker.host()));
  }

  private static boolean able(Worker worker, Offer offer) {
    return worker.able(offer.needs(), offer.deviceKind(), offer.labels());
  }

  void occupy(Offer offer, Worker worker) {
    free.merge(worker.workerId(), -1, Integer::sum);
    busyOnHost.merge(worker.host(), 1, Integer::sum);
    if (offer.alone()) {
      takenHosts.add(worker.host());
    }
  }
}
