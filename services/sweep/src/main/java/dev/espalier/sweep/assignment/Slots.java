package dev.espalier.sweep.assignment;

import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Free slots and the hosts they are on, while one batch is worked out. */
final class Slots {

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

  /** One host for each kind of stage that has waited too long to be alone, the longest first. */
  void reserveHosts(List<Offer> impatient) {
    for (Offer offer : impatient) {
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
    }
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
    return worker.capabilities().contains(offer.needs())
        && (offer.deviceKind().isEmpty() || offer.deviceKind().equals(worker.deviceKind()));
  }

  void occupy(Offer offer, Worker worker) {
    free.merge(worker.workerId(), -1, Integer::sum);
    busyOnHost.merge(worker.host(), 1, Integer::sum);
    if (offer.alone()) {
      takenHosts.add(worker.host());
    }
  }
}
