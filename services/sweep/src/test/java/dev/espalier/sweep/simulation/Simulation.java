package dev.espalier.sweep.simulation;

import dev.espalier.sweep.assignment.Assignment;
import dev.espalier.sweep.assignment.AssignmentPolicy;
import dev.espalier.sweep.assignment.Capability;
import dev.espalier.sweep.assignment.Occupation;
import dev.espalier.sweep.assignment.Offer;
import dev.espalier.sweep.assignment.Preemption;
import dev.espalier.sweep.assignment.PreemptionPolicy;
import dev.espalier.sweep.assignment.Standing;
import dev.espalier.sweep.assignment.TeamShare;
import dev.espalier.sweep.assignment.Worker;
import dev.espalier.sweep.lifecycle.Artifact;
import dev.espalier.sweep.lifecycle.Consequence;
import dev.espalier.sweep.lifecycle.Consequences;
import dev.espalier.sweep.lifecycle.Decider;
import dev.espalier.sweep.lifecycle.FailureCategory;
import dev.espalier.sweep.lifecycle.FailureCause;
import dev.espalier.sweep.lifecycle.Holder;
import dev.espalier.sweep.lifecycle.Lease;
import dev.espalier.sweep.lifecycle.Measurement;
import dev.espalier.sweep.lifecycle.Output;
import dev.espalier.sweep.lifecycle.PlannedStage;
import dev.espalier.sweep.lifecycle.RetryPolicy;
import dev.espalier.sweep.lifecycle.StageCommand;
import dev.espalier.sweep.lifecycle.StageCommand.Report;
import dev.espalier.sweep.lifecycle.StageDecider;
import dev.espalier.sweep.lifecycle.StageEvent;
import dev.espalier.sweep.lifecycle.StageState;
import dev.espalier.sweep.lifecycle.StageState.Status;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.SweepDecider;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.lifecycle.SweepState;
import dev.espalier.sweep.lifecycle.TrialCommand;
import dev.espalier.sweep.lifecycle.TrialDecider;
import dev.espalier.sweep.lifecycle.TrialEvent;
import dev.espalier.sweep.lifecycle.TrialState;
import dev.espalier.sweep.strategy.CellRef;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The whole scheduler without input and output: the real deciders, consequences and policy, around
 * them a world that loses, repeats, delays and reorders as Kafka, PostgreSQL and machines do. One
 * seed, one history.
 *
 * <p>What holds in the real thing is taken for granted here: a transaction is whole, a stream has
 * one writer at a time, records of one key come in order, each at least once, an inbox knows
 * repeated reports. Consequences have no inbox here, so that every repeat of theirs must be
 * harmless.
 */
final class Simulation {

  private static final long LEASE_MS = 12_000;
  private static final long HEARTBEAT_MS = 3_000;
  private static final List<String> KINDS = List.of("SEARCH", "PRUNE", "FINETUNE", "EVALUATE");
  private static final int CHUNK = 2;
  private static final List<String> TEAMS = List.of("red", "blue");
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Random random;
  private final SweepDecider sweepDecider = new SweepDecider();
  private final TrialDecider trialDecider = new TrialDecider();
  private final StageDecider stageDecider = new StageDecider(RetryPolicy.DEFAULT);

  private final Map<String, Stream<SweepState, SweepEvent>> sweeps = new TreeMap<>();
  private final Map<String, Stream<TrialState, TrialEvent>> trials = new TreeMap<>();
  private final Map<String, Stream<StageState, StageEvent>> stages = new TreeMap<>();
  private final Map<String, String> teamOf = new HashMap<>();
  private final Map<String, List<PlannedTrial>> plans = new HashMap<>();
  private final Map<String, String> kinds = new HashMap<>();
  private final Map<String, Set<String>> readers = new HashMap<>();
  private final Map<String, LeaseRow> leases = new TreeMap<>();
  private final Map<String, Deque<StageReport>> reports = new TreeMap<>();
  private final List<StageReport> oldReports = new ArrayList<>();
  private final Set<String> inbox = new HashSet<>();
  private final Map<String, WorkerProcess> workers = new TreeMap<>();
  private final Consequences consequences = new Consequences(new LookUp());

  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private boolean schedulerUp = true;
  private Instant caughtUpSince = now;
  private boolean chaos = true;

  /** Most slots that the red team may hold; an operator changes it now and then. */
  private int quota = Integer.MAX_VALUE;

  private int ids;

  /** What happened, for the message of a failed seed. */
  private final Deque<Entry> log = new ArrayDeque<>();

  private record Entry(Instant at, String who, Object what) {
    @Override
    public String toString() {
      return at + " " + who + " " + what;
    }
  }

  Simulation(long seed) {
    random = new Random(seed);
  }

  private record PlannedTrial(String trialId, TrialEvent.Planned planned) {}

  private record StageReport(String eventId, String stageId, Lease lease, Report report) {}

  /** A stream, its state, and how far its events have been handled by the process manager. */
  private static final class Stream<S, E> {
    final List<E> events = new ArrayList<>();
    final List<S> states = new ArrayList<>();
    int handled;

    Stream(S initial) {
      states.add(initial);
    }

    boolean quiet() {
      return handled == events.size();
    }

    S state() {
      return states.get(states.size() - 1);
    }
  }

  private static final class LeaseRow {
    final Lease lease;
    final int priority;
    final Instant since;
    final String host;
    final String sweepId;
    final boolean alone;
    Instant until;
    Instant progressAt;
    long progress;

    LeaseRow(Lease lease, String host, Offer offer, Instant until, Instant now) {
      this.lease = lease;
      this.host = host;
      this.sweepId = offer.sweepId();
      this.alone = offer.alone();
      this.priority = offer.priority();
      this.since = now;
      this.until = until;
      this.progressAt = now;
    }
  }

  private final class WorkerProcess {
    final String id;
    final String host;
    final int slots;
    final Set<Capability> capabilities = new HashSet<>();
    final Deque<Runnable> commands = new ArrayDeque<>();
    final Deque<Map<String, Long>> heartbeats = new ArrayDeque<>();
    final Map<String, Attempt> running = new TreeMap<>();
    Instant lastBeat = now;
    Instant lastHeard = now;
    boolean dead;
    boolean mute;

    WorkerProcess(String id, String host, int slots) {
      this.id = id;
      this.host = host;
      this.slots = slots;
      KINDS.forEach(kind -> capabilities.add(new Capability(kind, "any", 1)));
    }
  }

  private static final class Attempt {
    final Lease lease;
    final String stageId;
    long step;
    boolean stuck;

    Attempt(Lease lease, String stageId) {
      this.lease = lease;
      this.stageId = stageId;
    }
  }

  /** Runs the history to its end and checks it; throws if it does not end well. */
  void run() {
    int sweepCount = 1 + random.nextInt(3);
    for (int i = 0; i < sweepCount; i++) {
      submit("s" + i, 1 + random.nextInt(4));
    }
    for (int i = 0; i < 2 + random.nextInt(3); i++) {
      join();
    }
    int steps = 100 + random.nextInt(400);
    for (int i = 0; i < steps; i++) {
      chaoticStep();
      pass(random.nextInt(1500));
      ordinaryStep();
    }
    heal();
    int limit = 30_000;
    while (!ended()) {
      if (limit-- == 0) {
        throw new AssertionError("not everything ended: " + leftovers());
      }
      pass(100 + random.nextInt(400));
      ordinaryStep();
    }
    settle();
    checkEnd();
  }

  private void heal() {
    chaos = false;
    schedulerUp = true;
    caughtUpSince = now;
    workers.values().forEach(worker -> worker.mute = false);
    workers.values().forEach(worker -> worker.running.values().forEach(a -> a.stuck = false));
    quota = 1 + random.nextInt(3);
    sweeps.keySet().forEach(sweep -> tellSweep(sweep, new SweepCommand.Resume()));
    trials.keySet().forEach(trial -> tellTrial(trial, new TrialCommand.Resume()));
    join("host0");
    join();
    note("world", "healed");
  }

  private void chaoticStep() {
    switch (random.nextInt(60)) {
      case 0 -> join();
      case 1 -> any(workers).ifPresent(this::die);
      case 2 -> any(workers).ifPresent(worker -> worker.mute = !worker.mute);
      case 3 -> {
        schedulerUp = !schedulerUp;
        caughtUpSince = now;
        if (schedulerUp) {
          checkReplay();
        }
        note("scheduler", schedulerUp ? "up" : "down");
      }
      case 4 -> pass(60_000);
      case 5 -> tellSweep(anySweep(), new SweepCommand.Pause());
      case 6, 7 -> tellSweep(anySweep(), new SweepCommand.Resume());
      case 8 -> {
        if (random.nextInt(4) == 0) {
          tellSweep(anySweep(), new SweepCommand.Cancel("asked"));
        }
      }
      case 9 -> repeatEvent();
      case 10 -> repeatReport();
      case 11 -> any(workers).ifPresent(this::drain);
      case 12 ->
          any(workers)
              .ifPresent(
                  worker -> worker.running.values().forEach(attempt -> attempt.stuck = true));
      case 13 -> {
        if (sweeps.size() < 5) {
          submit("s" + sweeps.size(), 1 + random.nextInt(3));
        }
      }
      case 14, 15 -> anyTrial().ifPresent(trial -> tellTrial(trial, new TrialCommand.Pause()));
      case 16, 17 -> anyTrial().ifPresent(trial -> tellTrial(trial, new TrialCommand.Resume()));
      case 18 -> {
        if (random.nextInt(4) == 0) {
          anyTrial().ifPresent(trial -> tellTrial(trial, new TrialCommand.Cancel("asked")));
        }
      }
      case 19, 20 -> preempt();
      case 21 -> quota = random.nextInt(4) == 0 ? Integer.MAX_VALUE : 1 + random.nextInt(2);
      case 22 -> {
        if (random.nextInt(6) == 0) {
          tellSweep(
              anySweep(),
              new SweepCommand.ReachCap(
                  new SweepEvent.CapReached(SweepEvent.CapScope.SWEEP, 1, 1.5)));
        }
      }
      default -> {
        // Most of the time nothing goes wrong.
      }
    }
  }

  private void ordinaryStep() {
    for (int i = 0; i < 4; i++) {
      switch (random.nextInt(6)) {
        case 0 -> any(workers).ifPresent(this::work);
        case 1 -> any(workers).ifPresent(this::beat);
        case 2 -> hearReport();
        case 3 -> hearHeartbeat();
        case 4 -> {
          for (int j = 0; j < 6; j++) {
            handleEvent();
          }
        }
        default -> {
          assign();
          takeBack();
          watchCaps();
          watchLeases();
        }
      }
    }
  }

  private void pass(long millis) {
    now = now.plusMillis(millis);
  }

  private void note(String who, Object what) {
    log.add(new Entry(now, who, what));
    if (log.size() > 200) {
      log.removeFirst();
    }
  }

  /** Classes of the events of all sweeps. */
  Set<Class<?>> kindsOfSweepEvents() {
    return sweeps.values().stream()
        .flatMap(stream -> stream.events.stream())
        .<Class<?>>map(Object::getClass)
        .collect(Collectors.toSet());
  }

  /** The last things that happened. */
  String history() {
    return log.stream().map(Entry::toString).collect(Collectors.joining("\n"));
  }

  private <T> Optional<T> any(Map<String, T> map) {
    if (map.isEmpty()) {
      return Optional.empty();
    }
    int index = random.nextInt(map.size());
    var values = map.values().iterator();
    for (int i = 0; i < index; i++) {
      values.next();
    }
    return Optional.of(values.next());
  }

  private String anySweep() {
    return new ArrayList<>(sweeps.keySet()).get(random.nextInt(sweeps.size()));
  }

  private Optional<String> anyTrial() {
    return any(trials).map(stream -> idOf(trials, stream));
  }

  // ---- sweeps ----

  /** A sweep of any strategy, with a stopping rule now and then. */
  private void submit(String sweepId, int size) {
    String team = TEAMS.get(random.nextInt(TEAMS.size()));
    int seeds = 1 + random.nextInt(2);
    String json = SimulatedSearch.spec(random, seeds);
    int cells = SimulatedSearch.cells(json, size);
    int count = SimulatedSearch.searches(json) ? cells * seeds : size;
    boolean known = SimulatedSearch.searches(json);
    List<PlannedTrial> planned = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      // Trials 0 and 1 are equal in all sweeps of a team: all of their stages are shared.
      String which = i < 2 ? team + i : sweepId + "." + i;
      List<PlannedStage> walk = new ArrayList<>();
      Set<String> inputs = Set.of();
      for (String kind : KINDS) {
        String id = kind + "-" + (kind.equals("SEARCH") ? team : which);
        kinds.put(id, kind);
        teamOf.put(id, team);
        walk.add(new PlannedStage(id, inputs));
        inputs = Set.of(id);
      }
      planned.add(
          new PlannedTrial(
              sweepId + "-t" + i,
              new TrialEvent.Planned(
                  sweepId,
                  known ? SimulatedSearch.cell(i / seeds) : CellRef.UNKNOWN,
                  random.nextInt(20),
                  walk)));
    }
    plans.put(sweepId, planned);
    tellSweep(
        sweepId,
        new SweepCommand.Accept(
            new SweepEvent.Accepted(json, 0, known ? cells : count, count, "m", "d", "")));
  }

  private <S, C, E> List<E> append(
      Stream<S, E> stream, Decider<S, C, E> decider, C command, String name) {
    List<E> events = decider.decide(stream.state(), command, now);
    for (E event : events) {
      stream.events.add(event);
      stream.states.add(decider.evolve(stream.state(), event));
      note(name, event);
    }
    return events;
  }

  private void tellSweep(String id, SweepCommand command) {
    append(
        sweeps.computeIfAbsent(id, key -> new Stream<>(sweepDecider.initial())),
        sweepDecider,
        command,
        id);
  }

  private void tellTrial(String id, TrialCommand command) {
    append(
        trials.computeIfAbsent(id, key -> new Stream<>(trialDecider.initial())),
        trialDecider,
        command,
        id);
  }

  private List<StageEvent> tellStage(String id, StageCommand command) {
    Stream<StageState, StageEvent> stream =
        stages.computeIfAbsent(id, key -> new Stream<>(stageDecider.initial()));
    StageState before = stream.state();
    List<StageEvent> events = append(stream, stageDecider, command, id);
    for (StageEvent event : events) {
      if (event instanceof StageEvent.Requested requested) {
        requested
            .inputs()
            .forEach(input -> readers.computeIfAbsent(input, key -> new HashSet<>()).add(id));
      }
    }
    StageState after = stream.state();
    if (before.status() instanceof Status.Running running) {
      boolean ended = !(after.status() instanceof Status.Running);
      if (ended) {
        leases.remove(id);
      }
      boolean yields = after.yields() && !before.yields();
      if (yields || ended && !(command instanceof StageCommand.Accept)) {
        revoke(running.lease(), id);
      }
    }
    return events;
  }

  private void revoke(Lease lease, String stageId) {
    WorkerProcess worker = workers.get(lease.workerId());
    if (worker != null) {
      worker.commands.add(
          () -> {
            Attempt attempt = worker.running.get(lease.leaseId());
            if (attempt != null) {
              finish(worker, attempt, new Report.Interrupted("revoked"));
            }
          });
    }
  }

  // ---- process manager ----

  private void handleEvent() {
    if (!schedulerUp) {
      return;
    }
    switch (random.nextInt(4)) {
      case 0 ->
          pick(sweeps).ifPresent(e -> handleSweep(e.getKey(), e.getValue(), e.getValue().handled));
      case 1 ->
          pick(trials).ifPresent(e -> handleTrial(e.getKey(), e.getValue(), e.getValue().handled));
      default ->
          pick(stages).ifPresent(e -> handleStage(e.getKey(), e.getValue(), e.getValue().handled));
    }
  }

  /** One of the streams with unhandled events. */
  private <S, E> Optional<Map.Entry<String, Stream<S, E>>> pick(Map<String, Stream<S, E>> streams) {
    int open = 0;
    Map.Entry<String, Stream<S, E>> picked = null;
    for (Map.Entry<String, Stream<S, E>> entry : streams.entrySet()) {
      if (!entry.getValue().quiet() && random.nextInt(++open) == 0) {
        picked = entry;
      }
    }
    return Optional.ofNullable(picked);
  }

  /** An event that was handled before comes again, however long ago that was. */
  private void repeatEvent() {
    if (!schedulerUp) {
      return;
    }
    switch (random.nextInt(3)) {
      case 0 ->
          any(sweeps)
              .filter(stream -> stream.handled > 0)
              .ifPresent(
                  stream ->
                      handleSweep(idOf(sweeps, stream), stream, random.nextInt(stream.handled)));
      case 1 ->
          any(trials)
              .filter(stream -> stream.handled > 0)
              .ifPresent(
                  stream ->
                      handleTrial(idOf(trials, stream), stream, random.nextInt(stream.handled)));
      default ->
          any(stages)
              .filter(stream -> stream.handled > 0)
              .ifPresent(
                  stream ->
                      handleStage(idOf(stages, stream), stream, random.nextInt(stream.handled)));
    }
  }

  private static <T> String idOf(Map<String, T> map, T value) {
    return map.entrySet().stream()
        .filter(entry -> entry.getValue() == value)
        .findFirst()
        .orElseThrow()
        .getKey();
  }

  private void handleSweep(String id, Stream<SweepState, SweepEvent> stream, int at) {
    finishHandling(stream, at, carryOut(consequences.of(id, stream.events.get(at))));
  }

  private void handleTrial(String id, Stream<TrialState, TrialEvent> stream, int at) {
    finishHandling(
        stream,
        at,
        carryOut(consequences.of(id, stream.events.get(at), stream.states.get(at + 1))));
  }

  private void handleStage(String id, Stream<StageState, StageEvent> stream, int at) {
    StageEvent event = stream.events.get(at);
    if (event instanceof StageEvent.EpochEvaluated evaluated) {
      finishHandling(stream, at, carryOut(consequences.of(id, evaluated)));
      return;
    }
    boolean done =
        !Consequences.mayFollowFrom(event)
            || carryOut(
                consequences.of(id, event, stream.states.get(at), stream.states.get(at + 1)));
    finishHandling(stream, at, done);
  }

  private void finishHandling(Stream<?, ?> stream, int at, boolean done) {
    if (done && at == stream.handled) {
      stream.handled++;
    }
  }

  /** Each consequence is a transaction; the process may die between two of them. */
  private boolean carryOut(List<Consequence> all) {
    for (Consequence consequence : all) {
      if (chaos && random.nextInt(50) == 0) {
        note("scheduler", "died while carrying out");
        return false;
      }
      carryOut(consequence);
    }
    return true;
  }

  private void carryOut(Consequence consequence) {
    if (consequence instanceof Consequence.ForSweep sweep) {
      tellSweep(sweep.sweepId(), sweep.command());
    } else if (consequence instanceof Consequence.ForTrial trial) {
      tellTrial(trial.trialId(), trial.command());
    } else if (consequence instanceof Consequence.ForStage stage) {
      boolean outdated =
          stage.command() instanceof StageCommand.Hold hold && !paused(hold.holder())
              || stage.command() instanceof StageCommand.ReleaseFromHold release
                  && paused(release.holder());
      if (!outdated) {
        tellStage(stage.stageId(), stage.command());
      }
    } else if (consequence instanceof Consequence.PlanChunk chunk) {
      List<PlannedTrial> all = plans.get(chunk.sweepId());
      sweeps
          .get(chunk.sweepId())
          .state()
          .search()
          .chunk(chunk.chunk(), all.size(), CHUNK)
          .ifPresent(
              next ->
                  tellSweep(
                      chunk.sweepId(),
                      new SweepCommand.PlanTrials(
                          chunk.chunk(),
                          next.last(),
                          next.places().stream().map(i -> all.get(i).trialId()).toList())));
    } else if (consequence instanceof Consequence.PlanTrials chunk) {
      for (PlannedTrial trial : plans.get(chunk.sweepId())) {
        if (chunk.trialIds().contains(trial.trialId())
            && sweeps.get(chunk.sweepId()).state().phase().open()) {
          tellTrial(trial.trialId(), new TrialCommand.Plan(trial.planned()));
        }
      }
    }
  }

  private boolean paused(Holder holder) {
    return holder instanceof Holder.OfSweep sweep
        ? paused(sweep.sweepId())
        : trials.get(((Holder.OfTrial) holder).trialId()).state()
                instanceof TrialState.Running running
            && running.held();
  }

  private boolean paused(String sweepId) {
    return sweeps.get(sweepId).state().phase() == SweepState.Phase.PAUSED;
  }

  private final class LookUp implements Consequences.View {

    @Override
    public List<String> trialsOf(String sweepId) {
      return trials.entrySet().stream()
          .filter(entry -> entry.getKey().startsWith(sweepId + "-"))
          .filter(entry -> !entry.getValue().events.isEmpty())
          .map(Map.Entry::getKey)
          .toList();
    }

    @Override
    public List<String> stagesClaimedBy(String sweepId) {
      return stages.entrySet().stream()
          .filter(
              entry ->
                  entry.getValue().state().claims().values().stream()
                      .anyMatch(claim -> claim.sweepId().equals(sweepId)))
          .map(Map.Entry::getKey)
          .toList();
    }

    @Override
    public List<String> readersOf(String stageId) {
      return List.copyOf(readers.getOrDefault(stageId, Set.of()));
    }

    @Override
    public boolean paused(String sweepId) {
      return Simulation.this.paused(sweepId);
    }

    @Override
    public List<String> watchersOf(String stageId) {
      return stages.get(stageId).state().claims().entrySet().stream()
          .filter(
              claim ->
                  sweeps.get(claim.getValue().sweepId()).state().search().rules().watchesEpochs())
          .map(Map.Entry::getKey)
          .toList();
    }

    @Override
    public TrialState trial(String trialId) {
      return trials.get(trialId).state();
    }

    @Override
    public int chunks(String sweepId) {
      return sweeps.get(sweepId).state().chunks();
    }

    @Override
    public int rungAt(String sweepId, int epoch) {
      return sweeps.get(sweepId).state().search().rungAt(epoch);
    }

    @Override
    public StageState stage(String stageId) {
      Stream<StageState, StageEvent> stream = stages.get(stageId);
      return stream == null ? stageDecider.initial() : stream.state();
    }
  }

  // ---- assignment and leases ----

  private void assign() {
    if (!schedulerUp) {
      return;
    }
    Map<String, Offer> byId = new LinkedHashMap<>();
    List<Offer> offers = offers();
    offers.forEach(offer -> byId.put(offer.stageId(), offer));
    AssignmentPolicy policy =
        new AssignmentPolicy(Duration.ofSeconds(15), Duration.ofSeconds(30), shares());
    for (Assignment assignment :
        policy.assign(now, available(), occupations(), offers, Standing.NEW)) {
      give(assignment, byId.get(assignment.stageId()));
    }
    checkHosts();
  }

  private Map<String, TeamShare> shares() {
    return Map.of("red", new TeamShare(2, quota));
  }

  /** A sweep at its cap starts nothing. */
  private boolean capped(String sweepId) {
    return sweeps.get(sweepId).state().phase() == SweepState.Phase.CAPPED;
  }

  private List<Offer> offers() {
    List<Offer> offers = new ArrayList<>();
    stages.forEach(
        (id, stream) -> {
          StageState state = stream.state();
          StageState.Claim oldest =
              state.claims().isEmpty() ? null : state.claims().values().iterator().next();
          if (state.runnable(now) && !capped(oldest.sweepId())) {
            boolean alone = kinds.get(id).equals("EVALUATE") || state.workerLosses() >= 2;
            offers.add(
                new Offer(
                    id,
                    new Capability(kinds.get(id), "any", 1),
                    "",
                    teamOf.get(id),
                    oldest.sweepId(),
                    oldest.priority(),
                    now.minusSeconds(random.nextInt(30)),
                    KINDS.indexOf(kinds.get(id)),
                    remaining(id),
                    alone,
                    asks(id)));
          }
        });
    return offers;
  }

  /** Some evaluations are for one host. */
  private Map<String, String> asks(String stageId) {
    return kinds.get(stageId).equals("EVALUATE") && stageId.hashCode() % 3 == 0
        ? Map.of("host", "host0")
        : Map.of();
  }

  private List<Worker> available() {
    List<Worker> available = new ArrayList<>();
    for (WorkerProcess worker : workers.values()) {
      if (worker.lastHeard.plusMillis(LEASE_MS).isAfter(now)) {
        available.add(
            new Worker(
                worker.id,
                worker.host,
                "cpu",
                worker.capabilities,
                worker.slots,
                (int)
                    leases.values().stream()
                        .filter(row -> row.lease.workerId().equals(worker.id))
                        .count(),
                Map.of("host", worker.host)));
      }
    }
    return available;
  }

  private List<Occupation> occupations() {
    List<Occupation> occupations = new ArrayList<>();
    leases.forEach(
        (id, row) ->
            occupations.add(
                new Occupation(
                    id,
                    row.lease.workerId(),
                    row.host,
                    teamOf.get(id),
                    row.sweepId,
                    row.priority,
                    remaining(id),
                    row.alone,
                    row.since,
                    !kinds.get(id).equals("EVALUATE"),
                    stages.get(id).state().yields())));
    return occupations;
  }

  /** Slots that others have a better claim to, by the real rules. */
  private void takeBack() {
    if (!schedulerUp) {
      return;
    }
    PreemptionPolicy policy = new PreemptionPolicy(PATIENCE, shares());
    for (Preemption taken :
        policy.preempt(now, available(), occupations(), offers(), Standing.NEW)) {
      Lease lease = leases.get(taken.stageId()).lease;
      tellStage(taken.stageId(), new StageCommand.Preempt(lease, taken.reason()));
    }
  }

  /** A capped sweep ends once nothing that is charged to it runs. */
  private void watchCaps() {
    if (!schedulerUp) {
      return;
    }
    for (String sweep : sweeps.keySet()) {
      if (capped(sweep) && leases.values().stream().noneMatch(row -> row.sweepId.equals(sweep))) {
        tellSweep(sweep, new SweepCommand.Cancel("stopped at its cap"));
      }
    }
  }

  private int remaining(String stageId) {
    return KINDS.size() - KINDS.indexOf(kinds.get(stageId));
  }

  /** A slot is taken back, by a lease that may be over when the stage hears of it. */
  private void preempt() {
    any(leases)
        .ifPresent(
            row -> {
              String stage = idOf(leases, row);
              if (random.nextInt(4) == 0) {
                tellStage(stage, new StageCommand.Expire(row.lease));
              }
              tellStage(stage, new StageCommand.Preempt(row.lease, "others wait"));
            });
  }

  private void give(Assignment assignment, Offer offer) {
    String leaseId = "lease" + ids++;
    List<StageEvent> events =
        tellStage(
            assignment.stageId(),
            new StageCommand.Assign(assignment.workerId(), leaseId, "device"));
    if (!(events.get(0) instanceof StageEvent.Assigned assigned)) {
      throw new AssertionError("a runnable stage was not assigned: " + assignment);
    }
    WorkerProcess worker = workers.get(assignment.workerId());
    Lease lease = new Lease(worker.id, leaseId, assigned.generation());
    LeaseRow before =
        leases.put(
            assignment.stageId(),
            new LeaseRow(lease, worker.host, offer, now.plusMillis(LEASE_MS), now));
    if (before != null) {
      throw new AssertionError("two valid leases for " + assignment.stageId());
    }
    long held =
        leases.keySet().stream().filter(stage -> teamOf.get(stage).equals(offer.team())).count();
    if (offer.team().equals("red") && held > quota) {
      throw new AssertionError("the red team got slot %d of %d".formatted(held, quota));
    }
    worker.commands.add(
        () -> worker.running.put(leaseId, new Attempt(lease, assignment.stageId())));
  }

  private void checkHosts() {
    Map<String, Integer> byHost = new HashMap<>();
    Map<String, Integer> byWorker = new HashMap<>();
    leases
        .values()
        .forEach(
            row -> {
              byHost.merge(row.host, 1, Integer::sum);
              byWorker.merge(row.lease.workerId(), 1, Integer::sum);
            });
    leases.forEach(
        (stage, row) -> {
          if (row.alone && byHost.get(row.host) > 1) {
            throw new AssertionError(stage + " is not alone on " + row.host);
          }
          if (!asks(stage).getOrDefault("host", row.host).equals(row.host)) {
            throw new AssertionError(stage + " asks for " + asks(stage) + " but is on " + row.host);
          }
        });
    byWorker.forEach(
        (id, count) -> {
          if (count > workers.get(id).slots) {
            throw new AssertionError(id + " holds " + count + " leases");
          }
        });
  }

  private void watchLeases() {
    if (!schedulerUp) {
      return;
    }
    boolean behind = workers.values().stream().anyMatch(worker -> worker.heartbeats.size() > 1);
    if (behind) {
      caughtUpSince = now;
    }
    if (Duration.between(caughtUpSince, now).toMillis() < LEASE_MS) {
      return;
    }
    for (Map.Entry<String, LeaseRow> entry : List.copyOf(leases.entrySet())) {
      LeaseRow row = entry.getValue();
      if (row.until.isBefore(now)) {
        tellStage(entry.getKey(), new StageCommand.Expire(row.lease));
      } else if (row.progressAt.plusSeconds(300).isBefore(now)) {
        tellStage(entry.getKey(), new StageCommand.Stall(row.lease, "no headway"));
      }
    }
  }

  // ---- workers ----

  private void join() {
    join("host" + random.nextInt(3));
  }

  private void join(String host) {
    String id = "w" + ids++;
    workers.put(id, new WorkerProcess(id, host, 1 + random.nextInt(2)));
    note(id, "joined");
  }

  private void die(WorkerProcess worker) {
    worker.dead = true;
    worker.running.clear();
    worker.commands.clear();
    note(worker.id, "died");
  }

  private void drain(WorkerProcess worker) {
    if (worker.dead || worker.mute) {
      return;
    }
    for (Attempt attempt : List.copyOf(worker.running.values())) {
      finish(worker, attempt, new Report.Interrupted("drain"));
    }
    die(worker);
    worker.lastHeard = Instant.MIN.plusMillis(LEASE_MS);
  }

  private void work(WorkerProcess worker) {
    if (worker.dead) {
      return;
    }
    if (!worker.mute && !worker.commands.isEmpty()) {
      worker.commands.poll().run();
    }
    for (Attempt attempt : List.copyOf(worker.running.values())) {
      if (!attempt.stuck) {
        step(worker, attempt);
      }
    }
  }

  private void step(WorkerProcess worker, Attempt attempt) {
    attempt.step++;
    long epochs = kinds.get(attempt.stageId).equals("FINETUNE") ? SimulatedSearch.EPOCHS : 1;
    if (attempt.step == 1) {
      send(worker, attempt, new Report.Started(new StageEvent.Started("cpu", worker.host, 0)));
    } else if (attempt.step < 2 + epochs) {
      send(
          worker,
          attempt,
          new Report.CheckpointSaved(
              new StageEvent.CheckpointSaved(new Artifact("c" + ids++, 1, ""), attempt.step * 10)));
      send(
          worker,
          attempt,
          new Report.EpochEvaluated(
              new StageEvent.EpochEvaluated(
                  (int) attempt.step - 1,
                  attempt.step,
                  SimulatedSearch.top1(attempt.stageId, (int) attempt.step - 1),
                  0.9,
                  1,
                  1)));
    } else if (chaos && random.nextInt(30) == 0) {
      finish(
          worker,
          attempt,
          new Report.Failed(
              new FailureCause(
                  random.nextInt(4) == 0 ? FailureCategory.SPEC : FailureCategory.INTERNAL,
                  "BROKEN",
                  "as scripted")));
    } else {
      finish(
          worker,
          attempt,
          new Report.Succeeded(
              new StageEvent.Succeeded(
                  List.of(new Output("result", new Artifact("r" + ids++, 1, ""))),
                  List.of(
                      new Measurement("top1_accuracy", random.nextDouble()),
                      new Measurement("base_top1_accuracy", 0.6)),
                  1)));
    }
  }

  private void finish(WorkerProcess worker, Attempt attempt, Report report) {
    worker.running.remove(attempt.lease.leaseId());
    send(worker, attempt, report);
  }

  /** Reports are kept until the broker has them, muted workers' included. */
  private void send(WorkerProcess worker, Attempt attempt, Report report) {
    reports
        .computeIfAbsent(attempt.stageId, key -> new ArrayDeque<>())
        .add(new StageReport("r" + ids++, attempt.stageId, attempt.lease, report));
  }

  private void beat(WorkerProcess worker) {
    if (worker.dead || worker.mute || worker.lastBeat.plusMillis(HEARTBEAT_MS / 2).isAfter(now)) {
      return;
    }
    worker.lastBeat = now;
    Map<String, Long> beat = new TreeMap<>();
    worker.running.values().forEach(attempt -> beat.put(attempt.lease.leaseId(), attempt.step));
    worker.heartbeats.add(beat);
  }

  private void hearHeartbeat() {
    if (!schedulerUp) {
      return;
    }
    for (WorkerProcess worker : workers.values()) {
      Map<String, Long> beat = worker.heartbeats.poll();
      if (beat == null) {
        continue;
      }
      worker.lastHeard = now;
      leases
          .values()
          .forEach(
              row -> {
                Long progress = beat.get(row.lease.leaseId());
                if (progress != null) {
                  row.until = now.plusMillis(LEASE_MS);
                  if (progress > row.progress) {
                    row.progress = progress;
                    row.progressAt = now;
                  }
                }
              });
    }
  }

  private void hearReport() {
    if (!schedulerUp) {
      return;
    }
    any(reports)
        .filter(queue -> !queue.isEmpty())
        .ifPresent(
            queue -> {
              StageReport report = queue.poll();
              oldReports.add(report);
              accept(report);
            });
  }

  private void repeatReport() {
    if (schedulerUp && !oldReports.isEmpty()) {
      StageReport report = oldReports.get(random.nextInt(oldReports.size()));
      if (random.nextBoolean()) {
        accept(report);
      } else {
        // A sender that tries again under a new id: the lease alone must stop it.
        accept(new StageReport("again" + ids++, report.stageId, report.lease, report.report));
      }
    }
  }

  private void accept(StageReport report) {
    if (inbox.add(report.eventId)) {
      tellStage(
          report.stageId, new StageCommand.Accept(report.eventId, report.lease, report.report));
    }
  }

  // ---- what must hold ----

  private boolean ended() {
    return sweeps.values().stream().noneMatch(stream -> stream.state().phase().open());
  }

  /** Lets the last words be heard. */
  private void settle() {
    int limit = 20_000;
    while (!quiet()) {
      if (limit-- == 0) {
        throw new AssertionError("not everything was heard: " + leftovers());
      }
      pass(200);
      ordinaryStep();
    }
  }

  private boolean quiet() {
    return leases.isEmpty()
        && reports.values().stream().allMatch(Deque::isEmpty)
        && sweeps.values().stream().allMatch(Stream::quiet)
        && trials.values().stream().allMatch(Stream::quiet)
        && stages.values().stream().allMatch(Stream::quiet);
  }

  private String leftovers() {
    StringBuilder text = new StringBuilder();
    sweeps.forEach((id, stream) -> text.append(id).append(' ').append(stream.state().phase()));
    stages.forEach((id, stream) -> text.append("\n").append(id).append(' ').append(stream.state()));
    return text.toString();
  }

  /** Folding the events gives the states that grew with them. */
  private void checkReplay() {
    sweeps.forEach((id, stream) -> equal(id, sweepDecider, stream));
    trials.forEach((id, stream) -> equal(id, trialDecider, stream));
    stages.forEach((id, stream) -> equal(id, stageDecider, stream));
  }

  private static <S, E> void equal(String id, Decider<S, ?, E> decider, Stream<S, E> stream) {
    if (!decider.fold(decider.initial(), stream.events).equals(stream.state())) {
      throw new AssertionError(id + " folds to another state");
    }
  }

  private void checkEnd() {
    checkReplay();
    sweeps.forEach(this::checkSweep);
    trials.forEach(
        (id, stream) -> {
          long ends =
              stream.events.stream()
                  .filter(
                      event ->
                          event instanceof TrialEvent.Succeeded
                              || event instanceof TrialEvent.Failed
                              || event instanceof TrialEvent.Stopped
                              || event instanceof TrialEvent.Cancelled)
                  .count();
          if (ends != 1) {
            throw new AssertionError("trial " + id + " ended " + ends + " times");
          }
        });
    stages.forEach(this::checkStage);
    if (!leases.isEmpty()) {
      throw new AssertionError("leases are left: " + leases.keySet());
    }
  }

  private void checkSweep(String id, Stream<SweepState, SweepEvent> stream) {
    SweepState state = stream.state();
    Set<String> told = new HashSet<>();
    for (SweepEvent event : stream.events) {
      if (event instanceof SweepEvent.TrialEnded ended && !told.add(ended.trialId())) {
        throw new AssertionError(id + " counts " + ended.trialId() + " twice");
      }
    }
    int ended = state.succeeded() + state.failed() + state.cancelled() + state.stopped();
    int planned =
        stream.events.stream()
            .filter(SweepEvent.TrialsPlanned.class::isInstance)
            .mapToInt(event -> ((SweepEvent.TrialsPlanned) event).trialIds().size())
            .sum();
    if (state.phase() == SweepState.Phase.COMPLETED && ended != planned) {
      throw new AssertionError(id + " completed with " + state);
    }
    SimulatedSearch.check(id, stream.events, sweepDecider, now);
  }

  private void checkStage(String id, Stream<StageState, StageEvent> stream) {
    long generation = 0;
    int successes = 0;
    Lease lease = null;
    for (StageEvent event : stream.events) {
      if (event instanceof StageEvent.Assigned assigned) {
        if (assigned.generation() != generation + 1 || lease != null) {
          throw new AssertionError(id + " was assigned while " + lease + " was out");
        }
        generation = assigned.generation();
        lease = new Lease(assigned.workerId(), assigned.leaseId(), generation);
      } else if (event instanceof StageEvent.Succeeded) {
        successes++;
        lease = null;
      } else if (event instanceof StageEvent.AttemptEnded
          || event instanceof StageEvent.Cancelled) {
        lease = null;
      }
    }
    if (successes > 1) {
      throw new AssertionError(id + " has " + successes + " accepted results");
    }
    Status status = stream.state().status();
    if (status instanceof Status.Waiting || status instanceof Status.Running) {
      throw new AssertionError(id + " is left " + stream.state());
    }
  }
}
