package dev.espalier.sweep.assignment;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Measurements among trainings without end, on hosts that do both: each has its host for itself,
 * those that ask for a host get that one, and none waits longer than its bound.
 */
class PlacementTest {

  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final Capability TRAIN = new Capability("FINETUNE", "finetune", 1);
  private static final Capability MEASURE = new Capability("EVALUATE", "evaluate", 2);
  private static final int ALONE_WAIT = 15;
  private static final int LONGEST_TRAINING = 120;
  private static final int LONGEST_MEASUREMENT = 24;
  private static final int HOSTS = 4;

  /** Until a host is kept free, until it is, and then the queue for it. */
  private static final Duration BOUND =
      Duration.ofSeconds(ALONE_WAIT + LONGEST_TRAINING + 2 * 8 * LONGEST_MEASUREMENT);

  private record Running(Offer offer, Worker worker, Instant since, Instant until) {}

  private final List<Running> running = new ArrayList<>();
  private final Map<String, Offer> waiting = new HashMap<>();
  private Random random;
  private Instant now = START;
  private int ids;
  private int measured;
  private Duration longestWait = Duration.ZERO;

  @ParameterizedTest
  @ValueSource(ints = {1, 4, Integer.MAX_VALUE})
  void measuresAloneWhereAskedAndWithinABoundUnderAnyQuota(int quota) {
    for (int seed = 0; seed < 2; seed++) {
      run(seed, quota);
      assertThat(measured).as("measured in three hours, seed %d", seed).isGreaterThan(100);
      assertThat(longestWait).as("longest wait, seed %d", seed).isLessThan(BOUND);
    }
  }

  private void run(int seed, int quota) {
    random = new Random(seed);
    running.clear();
    waiting.clear();
    now = START;
    measured = 0;
    longestWait = Duration.ZERO;
    AssignmentPolicy policy =
        new AssignmentPolicy(
            Duration.ofSeconds(ALONE_WAIT),
            Duration.ofSeconds(30),
            Map.of("limited", new TeamShare(1, quota)));
    while (now.isBefore(START.plus(Duration.ofHours(3)))) {
      for (String team : List.of("limited", "free")) {
        while (trainings(team) < 20) {
          offer(TRAIN, team, false, Map.of());
        }
      }
      List<Worker> workers = workers();
      for (Assignment given :
          policy.assign(now, workers, occupations(), List.copyOf(waiting.values()), Standing.NEW)) {
        start(
            waiting.remove(given.stageId()),
            workers.stream().filter(w -> w.workerId().equals(given.workerId())).findFirst().get());
      }
      check();
      pass();
    }
  }

  private long trainings(String team) {
    return waiting.values().stream().filter(o -> o.team().equals(team) && !o.alone()).count();
  }

  private void offer(Capability needs, String team, boolean alone, Map<String, String> labels) {
    String id = "%s-%05d".formatted(needs.algorithm(), ids++);
    int rank = alone ? 5 : 4;
    waiting.put(
        id, new Offer(id, needs, "", team, "of " + team, 0, now, rank, 6 - rank, alone, labels));
  }

  private List<Worker> workers() {
    List<Worker> workers = new ArrayList<>();
    for (int host = 0; host < HOSTS; host++) {
      Map<String, String> labels = Map.of("host", "h" + host);
      for (Capability can : List.of(TRAIN, MEASURE)) {
        String id = can.algorithm() + host;
        int busy = (int) running.stream().filter(r -> r.worker().workerId().equals(id)).count();
        workers.add(
            new Worker(id, "h" + host, "cpu", Set.of(can), can == TRAIN ? 2 : 1, busy, labels));
      }
    }
    return workers;
  }

  private List<Occupation> occupations() {
    return running.stream()
        .map(
            row ->
                new Occupation(
                    row.offer().stageId(),
                    row.worker().workerId(),
                    row.worker().host(),
                    row.offer().team(),
                    row.offer().sweepId(),
                    0,
                    row.offer().remaining(),
                    row.offer().alone(),
                    row.since(),
                    !row.offer().alone(),
                    false))
        .toList();
  }

  private void start(Offer offer, Worker worker) {
    int seconds =
        offer.alone()
            ? LONGEST_MEASUREMENT / 2 + random.nextInt(LONGEST_MEASUREMENT / 2)
            : LONGEST_TRAINING / 4 + random.nextInt(LONGEST_TRAINING * 3 / 4);
    running.add(new Running(offer, worker, now, now.plusSeconds(seconds)));
    if (offer.alone()) {
      measured++;
      noteWait(Duration.between(offer.runnableSince(), now));
    }
  }

  private void noteWait(Duration wait) {
    longestWait = wait.compareTo(longestWait) > 0 ? wait : longestWait;
  }

  /** What must hold at every moment. */
  private void check() {
    for (Running row : running) {
      assertThat(row.worker().labels()).containsAllEntriesOf(row.offer().labels());
      if (row.offer().alone()) {
        assertThat(running)
            .filteredOn(other -> other.worker().host().equals(row.worker().host()))
            .as("what runs on %s beside a measurement", row.worker().host())
            .containsExactly(row);
      }
    }
    waiting.values().stream()
        .filter(Offer::alone)
        .forEach(offer -> noteWait(Duration.between(offer.runnableSince(), now)));
  }

  /** To the next end; a training that ended is measured, one in four on a named host. */
  private void pass() {
    now = running.stream().map(Running::until).min(Instant::compareTo).orElse(now.plusSeconds(1));
    List<Running> ended = running.stream().filter(row -> !row.until().isAfter(now)).toList();
    running.removeAll(ended);
    for (Running row : ended) {
      if (!row.offer().alone()) {
        offer(
            MEASURE,
            row.offer().team(),
            true,
            random.nextInt(4) == 0 ? Map.of("host", "h1") : Map.of());
      }
    }
  }
}
