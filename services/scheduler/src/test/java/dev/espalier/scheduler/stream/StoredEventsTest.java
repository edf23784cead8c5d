package dev.espalier.scheduler.stream;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import dev.espalier.scheduler.wire.StageWire;
import dev.espalier.scheduler.wire.SweepWire;
import dev.espalier.scheduler.wire.TrialWire;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.StageEvent;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.schemas.trial.v1.TrialEvent;
import dev.espalier.sweep.lifecycle.RetryPolicy;
import dev.espalier.sweep.lifecycle.StageDecider;
import dev.espalier.sweep.lifecycle.StageState;
import dev.espalier.sweep.lifecycle.SweepDecider;
import dev.espalier.sweep.lifecycle.SweepState;
import dev.espalier.sweep.lifecycle.TrialDecider;
import dev.espalier.sweep.lifecycle.TrialState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Stored events are for ever: every kind that any release wrote must be read, and folded. */
class StoredEventsTest {

  private static final Path FIXTURES = Path.of("../../schemas/fixtures");

  private final StageDecider stages = new StageDecider(RetryPolicy.DEFAULT);
  private final TrialDecider trials = new TrialDecider();
  private final SweepDecider sweeps = new SweepDecider();

  static List<Path> stageEvents() throws IOException {
    return fixtures(Topics.STAGE_EVENTS);
  }

  static List<Path> trialEvents() throws IOException {
    return fixtures(Topics.TRIAL_EVENTS);
  }

  static List<Path> sweepEvents() throws IOException {
    return fixtures(Topics.SWEEP_EVENTS);
  }

  static List<Path> stageReports() throws IOException {
    return fixtures(Topics.STAGE_REPORTS);
  }

  @ParameterizedTest
  @MethodSource("stageEvents")
  void foldsEveryEventOfAStageAndWritesItAsItWas(Path file) throws IOException {
    StageEvent stored = StageEvent.parseFrom(Files.readAllBytes(file));
    var event = StageWire.read(stored).orElseThrow();
    StageState state = stages.initial();
    for (String earlier : List.of("stage_requested", "stage_claimed", "stage_assigned")) {
      StageEvent before =
          StageEvent.parseFrom(
              Files.readAllBytes(
                  FIXTURES.resolve(Topics.STAGE_EVENTS).resolve(earlier + ".binpb")));
      state = stages.evolve(state, StageWire.read(before).orElseThrow());
    }
    assertThat(stages.evolve(state, event)).isNotNull();
    assertThat(body(StageWire.write(event, stored.getStageRequested().getSpec())))
        .isEqualTo(body(stored));
  }

  @ParameterizedTest
  @MethodSource("trialEvents")
  void foldsEveryEventOfATrial(Path file) throws IOException {
    var event = TrialWire.read(TrialEvent.parseFrom(Files.readAllBytes(file))).orElseThrow();
    TrialEvent planned =
        TrialEvent.parseFrom(
            Files.readAllBytes(
                FIXTURES.resolve(Topics.TRIAL_EVENTS).resolve("trial_planned.binpb")));
    TrialState state = trials.evolve(trials.initial(), TrialWire.read(planned).orElseThrow());
    assertThat(trials.evolve(state, event)).isNotNull();
  }

  @ParameterizedTest
  @MethodSource("sweepEvents")
  void foldsEveryEventOfASweepAndWritesItAsItWas(Path file) throws IOException {
    SweepEvent stored = SweepEvent.parseFrom(Files.readAllBytes(file));
    if (stored.hasSweepRejected()) {
      return; // a stream of its own, which nobody folds
    }
    var event = SweepWire.read(stored).orElseThrow();
    SweepEvent accepted =
        SweepEvent.parseFrom(
            Files.readAllBytes(
                FIXTURES.resolve(Topics.SWEEP_EVENTS).resolve("sweep_accepted.binpb")));
    SweepState state = sweeps.evolve(sweeps.initial(), SweepWire.read(accepted).orElseThrow());
    assertThat(sweeps.evolve(state, event)).isNotNull();
    assertThat(body(SweepWire.write(event))).isEqualTo(body(stored));
  }

  @ParameterizedTest
  @MethodSource("stageReports")
  void readsEveryReportOfAWorker(Path file) throws IOException {
    StageReport report = StageReport.parseFrom(Files.readAllBytes(file));
    if (!report.hasStageProgressed()) { // progress is telemetry, no fact
      assertThat(StageWire.report(report)).isPresent();
    }
  }

  private static List<Path> fixtures(String topic) throws IOException {
    try (Stream<Path> files = Files.list(FIXTURES.resolve(topic))) {
      return files.filter(file -> file.toString().endsWith(".binpb")).sorted().toList();
    }
  }

  /** The case of the oneof, with the message it holds. */
  private static Message body(MessageOrBuilder envelope) {
    FieldDescriptor chosen =
        envelope.getOneofFieldDescriptor(envelope.getDescriptorForType().getRealOneofs().get(0));
    return (Message) envelope.getField(chosen);
  }
}
