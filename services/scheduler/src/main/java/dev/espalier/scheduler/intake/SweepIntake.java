package dev.espalier.scheduler.intake;

import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.scheduler.registry.Registry;
import dev.espalier.scheduler.registry.Registry.Entry;
import dev.espalier.scheduler.registry.Registry.Kind;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.lifecycle.SweepState;
import dev.espalier.sweep.planning.ArtifactPointer;
import dev.espalier.sweep.planning.Planner;
import dev.espalier.sweep.planning.ResolvedInputs;
import dev.espalier.sweep.spec.SpecReading;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.SweepSpecCheck;
import dev.espalier.sweep.spec.SweepSpecReader;
import dev.espalier.sweep.spec.Violation;
import dev.espalier.sweep.strategy.SearchSize;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where sweeps come in, whichever door they came through: reads the request, looks its names up,
 * checks floors and that the dataset fits the model, and has it accepted. All that is wrong is
 * found before anything is written.
 */
public final class SweepIntake {

  private static final int MAX_RUN = 1_000_000;

  private final Registry registry;
  private final SweepStreams sweeps;

  public SweepIntake(Registry registry, SweepStreams sweeps) {
    this.registry = registry;
    this.sweeps = sweeps;
  }

  /**
   * A request that may be accepted.
   *
   * @param accepted what the sweep's stream will begin with
   */
  public record Submission(String sweepId, SweepSpec spec, SweepEvent.Accepted accepted) {}

  /**
   * What became of a submission.
   *
   * @param attached whether an equal sweep was there: unfinished ones are joined, finished ones are
   *     answered with their result
   */
  public record Receipt(String sweepId, String state, boolean attached, int trials) {

    /**
     * @throws RefusedSweep if the equal sweep was deleted: its id stays its own
     */
    Receipt unlessDeleted(int run) throws RefusedSweep {
      if (state.equals(SweepState.Phase.DELETED.name())) {
        throw new RefusedSweep(
            new Violation(
                "run",
                "another run than that of sweep " + sweepId + ", which was deleted",
                "" + run));
      }
      return this;
    }
  }

  /**
   * Reads and resolves a request; writes nothing.
   *
   * @param tree maps, lists and values as {@link SweepSpecReader} takes them
   * @throws RefusedSweep with every violation, of the fields, the names, the floors and the fit
   */
  public Submission read(Object tree, int run) throws RefusedSweep, SQLException {
    SpecReading reading = SweepSpecReader.read(tree);
    List<Violation> violations = new ArrayList<>(reading.violations());
    if (run < 0 || run > MAX_RUN) {
      violations.add(
          new Violation("run", "an integer in [0, %d]".formatted(MAX_RUN), Integer.toString(run)));
    }
    Optional<Entry> model = resolve(Kind.MODEL, tree, violations);
    Optional<Entry> dataset = resolve(Kind.DATASET, tree, violations);
    if (reading.spec().isPresent() && model.isPresent()) {
      VitArchitecture base = architecture(model.get());
      violations.addAll(SweepSpecCheck.floors(reading.spec().get(), base));
      dataset
          .map(entry -> Json.parseObject(entry.description()))
          .ifPresent(
              summary ->
                  violations.addAll(SweepSpecCheck.fit(reading.spec().get(), base, summary)));
    }
    if (!violations.isEmpty()) {
      throw new RefusedSweep(violations);
    }
    SweepSpec spec = reading.orThrow();
    ResolvedInputs inputs =
        new ResolvedInputs(
            pointer(model.orElseThrow(), MediaTypes.MODEL),
            architecture(model.get()),
            pointer(dataset.orElseThrow(), MediaTypes.DATASET));
    SearchSize size = SearchSize.of(spec);
    return new Submission(
        Planner.sweepId(spec, inputs, run),
        spec,
        new SweepEvent.Accepted(
            spec.canonicalJson(),
            run,
            size.cells(),
            size.trials(),
            inputs.model().sha256(),
            inputs.dataset().sha256(),
            inputs.base().toJson()));
  }

  /** Accepts the submission, or attaches it to the equal sweep that is there. */
  public Receipt accept(Connection connection, Submission submission, Cause cause)
      throws SQLException {
    boolean attached =
        sweeps
            .decide(
                connection,
                submission.sweepId(),
                new SweepCommand.Accept(submission.accepted()),
                cause)
            .isEmpty();
    SweepState state = sweeps.load(connection, submission.sweepId());
    return new Receipt(
        submission.sweepId(), state.phase().name(), attached, submission.accepted().trials());
  }

  private Optional<Entry> resolve(Kind kind, Object tree, List<Violation> violations)
      throws SQLException {
    String field = kind.noun();
    boolean named =
        tree instanceof Map<?, ?> members
            && members.get(field) instanceof String name
            && SweepSpecReader.NAME.matcher(name).matches();
    if (!named) {
      return Optional.empty(); // The reader has said so.
    }
    String name = (String) ((Map<?, ?>) tree).get(field);
    Optional<Entry> entry = registry.find(kind, name);
    if (entry.isEmpty()) {
      List<String> known = registry.all(kind).stream().map(Entry::name).limit(50).toList();
      violations.add(SweepSpecCheck.unregistered(field, kind.noun(), name, known));
    }
    return entry;
  }

  private static VitArchitecture architecture(Entry model) {
    return VitArchitecture.fromJson(model.description());
  }

  private static ArtifactPointer pointer(Entry entry, String mediaType) {
    return new ArtifactPointer(entry.sha256(), entry.sizeBytes(), mediaType);
  }
}
