package dev.espalier.scheduler.intake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Struct;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.Value;
import dev.espalier.eventstore.PayloadMismatch;
import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.api.SweepStatus;
import dev.espalier.schemas.sweep.v1.CancelSweep;
import dev.espalier.schemas.sweep.v1.CancelTrial;
import dev.espalier.schemas.sweep.v1.MethodChoice;
import dev.espalier.schemas.sweep.v1.PauseSweep;
import dev.espalier.schemas.sweep.v1.PauseTrial;
import dev.espalier.schemas.sweep.v1.Recipe;
import dev.espalier.schemas.sweep.v1.ResumeTrial;
import dev.espalier.schemas.sweep.v1.SubmitSweep;
import dev.espalier.schemas.sweep.v1.SweepCommand;
import dev.espalier.schemas.sweep.v1.SweepSpec;
import dev.espalier.schemas.sweep.v1.Targets;
import dev.espalier.sweep.spec.Violation;
import dev.espalier.testkit.Postgres;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SweepIntakeTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static Door door;

  @BeforeAll
  static void open() throws Exception {
    door = new Door();
  }

  // ---- what is accepted ----

  @Test
  void bothDoorsGiveTheSameSweep() throws Exception {
    SweepIntake.Receipt first = door.post(Door.VALID.replace("small", "both"), null);
    SweepCommand command = submit(spec -> spec.setName("both"));
    door.send(command);
    SweepIntake.Receipt again = door.post(Door.VALID.replace("small", "both"), "0");

    assertThat(first.attached()).isFalse();
    assertThat(first.trials()).isEqualTo(2);
    assertThat(first.state()).isEqualTo("ACCEPTED");
    assertThat(door.rejection(command.getEventId())).isEmpty();
    assertThat(again.attached()).isTrue();
    assertThat(again.sweepId()).isEqualTo(first.sweepId());
    assertThat(events("sweep-" + first.sweepId())).isEqualTo(1);
  }

  @Test
  void anotherRunIsAnotherSweep() throws Exception {
    SweepIntake.Receipt first = door.post(Door.VALID.replace("small", "runs"), null);
    SweepIntake.Receipt second = door.post(Door.VALID.replace("small", "runs"), "1");

    assertThat(second.attached()).isFalse();
    assertThat(second.sweepId()).isNotEqualTo(first.sweepId());
  }

  @Test
  void jsonIsReadAsYamlIs() throws Exception {
    String json =
        """
        {"name": "json", "model": "vit", "dataset": "images", "methods": [{"name": "magnitude"}],
         "targets": {"macs": [0.5]}, "seeds": [1, 2]}""";

    assertThat(door.post(json, null).sweepId())
        .isEqualTo(door.post(Door.VALID.replace("small", "json"), null).sweepId());
  }

  @Test
  void aCommandThatComesTwiceActsOnce() throws Exception {
    SweepCommand command = submit(spec -> spec.setName("twice"));
    long before = door.count("select count(*) from event");
    door.send(command);
    door.send(command);

    assertThat(door.count("select count(*) from event")).isEqualTo(before + 1);
    SweepCommand forged = command.toBuilder().setRequestedBy("someone else").build();
    assertThatThrownBy(() -> door.send(forged)).isInstanceOf(PayloadMismatch.class);
  }

  @Test
  void aNewFileUnderTheNameIsAnotherSweep() throws Exception {
    SweepIntake.Receipt first = door.post(Door.VALID.replace("small", "replaced"), null);
    String sha256 = "c".repeat(64);
    door.registry.register(
        dev.espalier.scheduler.registry.Registry.Kind.DATASET, "images", sha256, 1, "{}", true);
    try {
      assertThat(door.post(Door.VALID.replace("small", "replaced"), null).sweepId())
          .isNotEqualTo(first.sweepId());
    } finally {
      door.registry.register(
          dev.espalier.scheduler.registry.Registry.Kind.DATASET,
          "images",
          Door.DATASET_SHA256,
          100,
          "{}",
          true);
    }
  }

  @Test
  void pausesResumesAndCancels() throws Exception {
    String id = door.post(Door.VALID.replace("small", "steered"), null).sweepId();

    assertThat(door.steer().pause(id).state()).isEqualTo("PAUSED");
    assertThat(door.steer().pause(id).state()).isEqualTo("PAUSED");
    assertThat(door.steer().resume(id).state()).isEqualTo("ACCEPTED");
    SweepCommand cancel =
        command()
            .setCancelSweep(CancelSweep.newBuilder().setSweepId(id).setReason("enough"))
            .build();
    door.send(cancel);
    assertThat(door.steer().cancel(id, "again").state()).isEqualTo("CANCELLED");
    assertThat(events("sweep-" + id)).as("asking twice changes nothing").isEqualTo(4);
  }

  @Test
  void steersATrialThroughEitherDoorAndSaysWhoAsked() throws Exception {
    String id = door.post(Door.VALID.replace("small", "one-trial"), null).sweepId();
    String trial = id + "-c-s1";
    door.plan(id, trial);

    assertThat(door.steer().pauseTrial(id, trial).paused()).isTrue();
    door.send(
        command()
            .setRequestedBy("kim")
            .setTeam("somebody-elses")
            .setResumeTrial(ResumeTrial.newBuilder().setSweepId(id).setTrialId(trial))
            .build());
    door.send(
        command().setPauseTrial(PauseTrial.newBuilder().setSweepId(id).setTrialId(trial)).build());
    SweepStatus.TrialLine cancelled = door.steer().cancelTrial(id, trial, "enough");

    assertThat(cancelled).isEqualTo(new SweepStatus.TrialLine(trial, id, "CANCELLED", false));
    assertThat(door.steer().resumeTrial(id, trial)).isEqualTo(cancelled);
    assertThat(
            door.texts(
                "select type || ' by ' || requested_by || ' for ' || team from event"
                    + " where stream = 'trial-%s' and version > 1 order by version"
                        .formatted(trial)))
        .containsExactly(
            "trial_paused by local for default",
            "trial_resumed by kim for default",
            "trial_paused by local for default",
            "trial_cancelled by local for default");
  }

  @Test
  void aTrialIsSteeredUnderItsOwnSweepOnly() throws Exception {
    String id = door.post(Door.VALID.replace("small", "its-own"), null).sweepId();
    String other = door.post(Door.VALID.replace("small", "another"), null).sweepId();
    door.plan(id, id + "-c-s1");
    SweepCommand cancel =
        command()
            .setCancelTrial(CancelTrial.newBuilder().setSweepId(other).setTrialId(id + "-c-s1"))
            .build();
    door.send(cancel);

    assertThat(door.rejection(cancel.getEventId()).orElseThrow())
        .extracting(Violation::field)
        .containsExactly("trialId");
    assertThatThrownBy(() -> door.steer().cancelTrial(other, id + "-c-s1", ""))
        .isInstanceOfSatisfying(Problem.class, p -> assertThat(p.status()).isEqualTo(404));
    assertThatThrownBy(() -> door.steer().pauseTrial("nope", id + "-c-s1"))
        .isInstanceOfSatisfying(Problem.class, p -> assertThat(p.status()).isEqualTo(404));
  }

  @Test
  void aNulInACommandDoesNotStopTheDoor() throws Exception {
    String id = door.post(Door.VALID.replace("small", "nul"), null).sweepId();
    door.send(
        command()
            .setRequestedBy("some\0one")
            .setCancelSweep(CancelSweep.newBuilder().setSweepId(id).setReason("\0"))
            .build());
    SweepCommand pause = command().setPauseSweep(PauseSweep.newBuilder().setSweepId("\0")).build();
    door.send(pause);

    assertThat(door.steer().cancel(id, "again").state()).isEqualTo("CANCELLED");
    assertThat(door.rejection(pause.getEventId())).isPresent();
    assertThatThrownBy(() -> door.steer().pause("\0"))
        .isInstanceOfSatisfying(Problem.class, p -> assertThat(p.status()).isEqualTo(404));
    assertThat(door.registry.find(dev.espalier.scheduler.registry.Registry.Kind.MODEL, "\0"))
        .isEmpty();
  }

  @Test
  void steeringAnUnknownSweepIsRefused() throws Exception {
    SweepCommand pause =
        command().setPauseSweep(PauseSweep.newBuilder().setSweepId("nope")).build();
    door.send(pause);

    assertThat(door.rejection(pause.getEventId()).orElseThrow())
        .containsExactly(new Violation("sweepId", "the id of an accepted sweep", "\"nope\""));
    assertThatThrownBy(() -> door.steer().pause("nope"))
        .isInstanceOfSatisfying(Problem.class, p -> assertThat(p.status()).isEqualTo(404));
  }

  // ---- what is refused: by REST ----

  static Stream<Arguments> badTexts() {
    String valid = Door.VALID;
    return Stream.of(
        Arguments.of("unknown method", valid.replace("magnitude", "magnitud"), "methods[0].name"),
        Arguments.of("unknown field", valid + "colour: red\n", "colour"),
        Arguments.of("keep ratio 0", valid.replace("0.5", "0"), "targets.macs[0]"),
        Arguments.of("keep ratio 1.5", valid.replace("0.5", "1.5"), "targets.macs[0]"),
        Arguments.of("keep ratio as text", valid.replace("0.5", "half"), "targets.macs[0]"),
        Arguments.of(
            "keep ratio below the floor", valid.replace("0.5", "0.001"), "targets.macs[0]"),
        Arguments.of("no seeds", valid.replace("[1, 2]", "[]"), "seeds"),
        Arguments.of("seeds left out", valid.replace("seeds: [1, 2]\n", ""), "seeds"),
        Arguments.of("the same seed twice", valid.replace("[1, 2]", "[1, 1]"), "seeds[1]"),
        Arguments.of("unregistered dataset", valid.replace("images", "image"), "dataset"),
        Arguments.of("other channels and size", valid.replace("images", "cifar100"), "dataset"),
        Arguments.of("other classes", valid.replace("images", "letters"), "dataset"),
        Arguments.of("unregistered model", valid.replace("vit", "resnet"), "model"),
        Arguments.of("0 epochs", valid + "recipe: {epochs: 0}\n", "recipe.epochs"),
        Arguments.of("20,000-fold nesting", "[".repeat(20_000), ""),
        Arguments.of("nested objects", "name: " + "{a: ".repeat(20_000), ""),
        Arguments.of("alias bomb", aliasBomb(), ""),
        Arguments.of("a field twice", valid + "name: other\n", ""),
        Arguments.of("empty file", "", ""),
        Arguments.of("blank file", " \n\n# nothing\n", ""),
        Arguments.of("no text", "\u0000\u0001\u0002", ""),
        Arguments.of("not an object", "- a\n- b\n", ""));
  }

  private static String aliasBomb() {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
      bomb.append("a%d: &a%d [".formatted(i, i));
      bomb.append(String.join(", ", java.util.Collections.nCopies(10, "*a" + (i - 1))));
      bomb.append("]\n");
    }
    return bomb.toString();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badTexts")
  void restNamesFieldExpectedAndFoundAndKeepsNothing(String what, String text, String field)
      throws Exception {
    long events = door.count("select count(*) from event");

    Problem problem = door.refusedPost(text.getBytes(StandardCharsets.UTF_8));

    assertThat(problem.status()).isEqualTo(400);
    List<Violation> violations = ((Problem.Violations) problem.body()).violations();
    if (!field.isEmpty()) {
      assertThat(violations).extracting(Violation::field).contains(field);
    }
    assertThat(violations)
        .isNotEmpty()
        .allSatisfy(
            violation -> {
              assertThat(violation.expected()).isNotBlank().hasSizeLessThan(600);
              assertThat(violation.found()).isNotBlank().hasSizeLessThan(400);
            });
    assertThat(door.count("select count(*) from event")).isEqualTo(events);
    assertThat(door.count("select count(*) from sweep where name = 'small'")).isZero();
  }

  @Test
  void restRefusesTenMegabytes() throws Exception {
    byte[] large = ("name: " + "x".repeat(10 << 20)).getBytes(StandardCharsets.UTF_8);

    Problem problem = door.refusedPost(large);

    assertThat(problem.status()).isEqualTo(413);
    assertThat(problem.getMessage()).contains("1048576 bytes");
  }

  @Test
  void restNamesEverythingThatIsWrongAtOnce() throws Exception {
    String text =
        """
        name: bad
        model: nope
        dataset: neither
        methods: [magnitud]
        targets: {macs: [0, 1.5]}
        seeds: []
        recipe: {epochs: 0}
        """;

    Problem problem = door.refusedPost(text.getBytes(StandardCharsets.UTF_8));

    assertThat(((Problem.Violations) problem.body()).violations())
        .extracting(Violation::field)
        .contains(
            "model",
            "dataset",
            "methods[0].name",
            "targets.macs[0]",
            "targets.macs[1]",
            "seeds",
            "recipe.epochs");
  }

  @Test
  void anUnregisteredNameIsAnsweredWithTheKnownOnes() throws Exception {
    Problem problem =
        door.refusedPost(Door.VALID.replace("images", "weather").getBytes(StandardCharsets.UTF_8));

    assertThat(problem.getMessage()).contains("dataset").contains("images").contains("weather");
  }

  @Test
  void aDatasetMustFitTheModelAsFarAsIsKnown() throws Exception {
    Problem problem =
        door.refusedPost(Door.VALID.replace("images", "cifar100").getBytes(StandardCharsets.UTF_8));

    assertThat(((Problem.Violations) problem.body()).violations())
        .containsExactly(
            new Violation(
                "dataset",
                "images of 1 channel, 28 x 28, in 10 classes, as model vit takes",
                "\"cifar100\" of images of 3 channels, 32 x 32, in 100 classes"));
    String fits = Door.VALID.replace("small", "fits").replace("images", "fitting");
    assertThat(door.post(fits, null).state()).isEqualTo("ACCEPTED");
  }

  // ---- what is refused: by Kafka ----

  static Stream<Arguments> badCommands() {
    Struct unknown =
        Struct.newBuilder()
            .putFields("colour", Value.newBuilder().setNumberValue(1).build())
            .build();
    UnknownFieldSet newer =
        UnknownFieldSet.newBuilder()
            .addField(99, UnknownFieldSet.Field.newBuilder().addVarint(1).build())
            .build();
    return Stream.of(
        bad("unknown method", "methods[0].name", s -> s.getMethodsBuilder(0).setName("magnitud")),
        bad(
            "unknown parameter",
            "methods[0].parameters.colour",
            s -> s.getMethodsBuilder(0).setParameters(unknown)),
        bad("unknown field", "submitSweep.spec", s -> s.setUnknownFields(newer)),
        bad("keep ratio 0", "targets.macs[0]", s -> s.getTargetsBuilder().setMacs(0, 0)),
        bad("keep ratio 1.5", "targets.macs[0]", s -> s.getTargetsBuilder().setMacs(0, 1.5)),
        bad("keep ratio NaN", "targets.macs[0]", s -> s.getTargetsBuilder().setMacs(0, Double.NaN)),
        bad("below the floor", "targets.macs[0]", s -> s.getTargetsBuilder().setMacs(0, 0.001)),
        bad("no seeds", "seeds", SweepSpec.Builder::clearSeeds),
        bad("the same seed twice", "seeds[2]", s -> s.addSeeds(1)),
        bad("unregistered dataset", "dataset", s -> s.setDataset("image")),
        bad("other channels and size", "dataset", s -> s.setDataset("cifar100")),
        bad("other classes", "dataset", s -> s.setDataset("letters")),
        bad("0 epochs", "recipe.epochs", s -> s.setRecipe(Recipe.newBuilder().setEpochs(0))),
        bad("a name of 900 kB", "name", s -> s.setName("x".repeat(900_000))),
        bad("nothing at all", "name", SweepSpec.Builder::clear));
  }

  private static Arguments bad(String what, String field, Consumer<SweepSpec.Builder> change) {
    return Arguments.of(what, field, change);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badCommands")
  void kafkaAnswersWithSweepRejected(String what, String field, Consumer<SweepSpec.Builder> change)
      throws Exception {
    long events = door.count("select count(*) from event");
    SweepCommand command = submit(change);

    door.send(command);
    door.send(command);

    assertThat(door.rejection(command.getEventId()).orElseThrow())
        .extracting(Violation::field)
        .contains(field);
    assertThat(door.count("select count(*) from event")).isEqualTo(events + 1);
    assertThat(door.count("select count(*) from sweep where name = 'small'")).isZero();
  }

  // ---- making commands ----

  private static SweepCommand.Builder command() {
    return SweepCommand.newBuilder().setEventId(UUID.randomUUID().toString());
  }

  private static SweepCommand submit(Consumer<SweepSpec.Builder> change) {
    SweepSpec.Builder spec =
        SweepSpec.newBuilder()
            .setName("small")
            .setModel("vit")
            .setDataset("images")
            .addMethods(MethodChoice.newBuilder().setName("magnitude"))
            .setTargets(Targets.newBuilder().addMacs(0.5))
            .addSeeds(1)
            .addSeeds(2);
    change.accept(spec);
    return command().setSubmitSweep(SubmitSweep.newBuilder().setSpec(spec)).build();
  }

  private static long events(String stream) throws Exception {
    return door.count("select count(*) from event where stream = '" + stream + "'");
  }
}
