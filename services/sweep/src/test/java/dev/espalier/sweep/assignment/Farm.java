package dev.espalier.sweep.assignment;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** One host of many slots, sweeps of equal stages, time that jumps from one end to the next. */
final class Farm {

  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final Capability TRAIN = new Capability("FINETUNE", "finetune", 1);

  /** Offers of a sweep that the policy sees at a time, as in the scheduler. */
  private static final int WINDOW = 64;

  private record Stage(String id, String team, String sweep, int priority, double seconds) {}

  private record Running(Stage stage, Instant since, Instant until) {}

  private final int slots;
  private final Random random;
  private final AssignmentPolicy policy;
  private final SlotUse use = new SlotUse(Duration.ofHours(1));
  private final Map<String, Deque<Stage>> waiting = new TreeMap<>();
  private final Map<String, Instant> submitted = new HashMap<>();
  private final Map<String, Instant> servedAt = new HashMap<>();
  private final Map<String, Duration> firstStart = new HashMap<>();
  private final Map<String, Double> byTeam = new HashMap<>();
  private final Map<String, Double> bySweep = new HashMap<>();
  private final Map<String, Integer> mostHeld = new HashMap<>();
  private final PriorityQueue<Running> running =
      new PriorityQueue<>(
          Comparator.comparing(Running::until).thenComparing(row -> row.stage().id()));
  private final Set<String> teams = new TreeSet<>();
  private Instant now = START;
  private double idle;
  private int completed;

  Farm(int slots, long seed, AssignmentPolicy policy) {
    this.slots = slots;
    this.random = new Random(seed);
    this.policy = policy;
  }

  /** Stages that last between {@code least} and {@code most} seconds, all runnable at once. */
  void submit(String team, String sweep, int priority, int count, int least, int most) {
    Deque<Stage> stages = new ArrayDeque<>();
    for (int i = 0; i < count; i++) {
      double seconds = least + random.nextDouble() * (most - least);
      stages.add(new Stage("%s-%06d".formatted(sweep, i), team, sweep, priority, seconds));
    }
    waiting.put(sweep, stages);
    teams.add(team);
    submitted.put(sweep, now);
  }

  /** Until so many more stages have ended. */
  void run(int completions) {
    int until = completed + completions;
    while (completed < until) {
      step(Instant.MAX);
    }
  }

  void runUntil(Duration sinceStart) {
    Instant until = START.plus(sinceStart);
    while (now.isBefore(until)) {
      step(until);
    }
  }

  private void step(Instant until) {
    assign();
    Running next = running.peek();
    Instant to = next == null || next.until().isAfter(until) ? until : next.until();
    charge(Duration.between(now, to).toNanos() / 1e9);
    now = to;
    if (next != null && !next.until().isAfter(now)) {
      running.poll();
      use.add(next.stage().team(), next.since(), next.until());
      completed++;
    }
  }

  private void charge(double seconds) {
    running.forEach(
        row -> {
          byTeam.merge(row.stage().team(), seconds, Double::sum);
          bySweep.merge(row.stage().sweep(), seconds, Double::sum);
        });
    idle += (slots - running.size()) * seconds;
  }

  private void assign() {
    List<Offer> offers = new ArrayList<>();
    Map<String, Stage> byId = new HashMap<>();
    for (Deque<Stage> stages : waiting.values()) {
      stages.stream()
          .limit(WINDOW)
          .forEach(
              stage -> {
                byId.put(stage.id(), stage);
                offers.add(
                    new Offer(
                        stage.id(),
                        TRAIN,
                        "",
                        stage.team(),
                        stage.sweep(),
                        stage.priority(),
                        submitted.get(stage.sweep()),
                        4,
                        2,
                        false));
              });
    }
    Worker worker = new Worker("w", "h", "cpu", Set.of(TRAIN), slots, running.size());
    List<Occupation> held =
        running.stream()
            .map(
                row ->
                    new Occupation(
                        row.stage().id(),
                        "w",
                        "h",
                        row.stage().team(),
                        row.stage().sweep(),
                        row.stage().priority(),
                        2,
                        false,
                        row.since(),
                        true,
                        false))
            .toList();
    for (Assignment given : policy.assign(now, List.of(worker), held, offers, standing())) {
      start(byId.get(given.stageId()));
    }
  }

  private Standing standing() {
    Map<String, Double> used = new HashMap<>();
    teams.forEach(team -> used.put(team, use.of(team, now)));
    running.forEach(
        row -> used.merge(row.stage().team(), use.running(row.since(), now), Double::sum));
    return new Standing(used, servedAt);
  }

  private void start(Stage stage) {
    waiting.get(stage.sweep()).remove(stage);
    running.add(new Running(stage, now, now.plusMillis((long) (stage.seconds() * 1000))));
    servedAt.put(stage.sweep(), now);
    firstStart.putIfAbsent(stage.sweep(), Duration.between(submitted.get(stage.sweep()), now));
    long held = running.stream().filter(row -> row.stage().team().equals(stage.team())).count();
    mostHeld.merge(stage.team(), (int) held, Math::max);
  }

  double slotSeconds(String team) {
    return byTeam.getOrDefault(team, 0.0);
  }

  double slotSecondsOfSweep(String sweep) {
    return bySweep.getOrDefault(sweep, 0.0);
  }

  double idleSlotSeconds() {
    return idle;
  }

  int mostHeld(String team) {
    return mostHeld.getOrDefault(team, 0);
  }

  /** From the submission of a sweep to its first stage. */
  Duration firstStart(String sweep) {
    return firstStart.get(sweep);
  }
}
