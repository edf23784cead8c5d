package dev.espalier.e2e.survival;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * One real training that is paused, preempted, drained and cancelled, and goes on each time from
 * where it stood; in the end its weights are, to the bit, those of a training that nobody touched.
 */
class SteeredTrainingTest {

  private static final Map<String, String> SETTINGS =
      Map.of(
          "ESPALIER_CHECKPOINT_INTERVAL", "1s",
          "ESPALIER_ASSIGNMENT_PREEMPT_AFTER", "1s",
          "ESPALIER_WORKER_LABELS_ROOM", "cellar");

  private static final Duration PATIENCE = Duration.ofMinutes(3);

  @TempDir private static Path directory;

  private static Installation espalier;

  @BeforeAll
  static void start() throws Exception {
    espalier = Installation.start(Installation.root(), directory.resolve("data"), 1, SETTINGS);
    FewImages.register(espalier, directory);
  }

  @AfterAll
  static void stop() {
    if (espalier != null) {
      espalier.close();
    }
  }

  /** Else a sweep waits for ever for a worker that can do what was planned. */
  @ParameterizedTest
  @EnumSource
  void itsWorkersCanDoWhateverMayBePlanned(TargetKind target) throws Exception {
    String methods =
        Methods.ALL.stream()
            .filter(method -> method.targets().contains(target))
            .map(method -> "{name: %s%s}".formatted(method.name(), redistributions(method)))
            .collect(Collectors.joining(", "));
    Path file = directory.resolve("everything.yaml");
    Files.writeString(
        file,
        "{name: all, model: %s, dataset: %s, methods: [%s], targets: {%s: [0.8]}, seeds: [1]}"
            .formatted(
                FewImages.MODEL,
                FewImages.DATASET,
                methods,
                target.name().toLowerCase(Locale.ROOT)));
    String launcher = Installation.root().resolve("espalier").toString();
    String server = espalier.state().path("server").asText();
    byte[] answer =
        Tool.run(
            new byte[0],
            ("env ESPALIER_BUILD=skip "
                    + launcher
                    + " plan "
                    + file
                    + " -o json --server "
                    + server)
                .split(" "));
    JsonNode plan = new ObjectMapper().readTree(answer);
    assertThat(plan.path("unserved").isArray()).as("workers were asked: %s", plan).isTrue();
    assertThat(plan.path("unserved")).isEmpty();
  }

  @Test
  void aTargetOfLatencyIsTimedPlannedAndMeasured() throws Exception {
    String sweep =
        submit(
            "/sweeps",
            """
            name: timed
            model: %s
            dataset: %s
            methods: [{name: magnitude}]
            targets: {latency: [0.7], latencyBatchSize: 32}
            seeds: [1]
            recipe: {epochs: 1}
            evaluation: {batchSize: 32, runs: 5}
            """
                .formatted(FewImages.MODEL, FewImages.DATASET));
    espalier.await(
        "it is over",
        PATIENCE,
        () -> espalier.get("/sweeps/" + sweep).path("state").asText().equals("COMPLETED"));

    JsonNode cell = espalier.get("/sweeps/" + sweep + "/results").path("cells").path(0);
    JsonNode figures = cell.path("measurements");
    assertThat(cell.path("succeeded").asInt()).as("%s", cell).isEqualTo(1);
    assertThat(figures.path("latency_keep_ratio").path("mean").asDouble()).isBetween(0.1, 1.5);
    assertThat(figures.path("params").path("mean").asDouble()).isLessThan(117_000);
  }

  @Test
  void aVariableGivesWorkersALabel() throws Exception {
    for (JsonNode worker : espalier.get("/workers")) {
      assertThat(worker.path("labels").path("room").asText()).as("%s", worker).isEqualTo("cellar");
      assertThat(worker.path("labels").path("host").asText()).isNotEmpty();
    }
  }

  private static String redistributions(MethodDescriptor method) {
    return method.name().equals("nvit") ? ", redistribution: [none, smooth, nvit-trend]" : "";
  }

  @Test
  void goesOnToTheBitWhateverIsAskedOfIt() throws Exception {
    String steered = submit("/sweeps", sweep("steered", 0, "on"));
    String stage = finetune(steered);

    long step = trainsBeyond(stage, 0);
    espalier.post("/sweeps/" + steered + "/pause", "");
    gaveBack(stage, 1);
    assertThat(held(stage)).as("a paused stage waits for its resumption").isTrue();
    espalier.post("/sweeps/" + steered + "/resume", "");
    step = goesOn(stage, step, "after a pause");

    String urgent = submit("/sweeps", sweep("urgent", 20, "off"));
    gaveBack(stage, 2);
    assertThat(events(stage, "stage_preempted")).isEqualTo(1);
    cancel(urgent);
    step = goesOn(stage, step, "after preemption");

    espalier.drain("trainer-1");
    gaveBack(stage, 3);
    step = goesOn(stage, step, "on another worker after a drain");
    assertThat(espalier.texts("select state from worker where service = 'trainer' order by 1"))
        .containsExactly("ACTIVE", "LEFT");

    long safe = checkpointBeyond(stage, step);
    cancel(steered);
    espalier.await(
        "nobody wants it any more",
        PATIENCE,
        () -> state(stage).equals("CANCELLED") && leases(stage) == 0);
    assertThat(outputs(stage)).as("a cancelled training leaves no result").isEmpty();

    String again = submit("/sweeps?run=1", sweep("steered", 0, "on"));
    assertThat(finetune(again)).as("the same training").isEqualTo(stage);
    goesOn(stage, safe, "for a sweep that wants it after a cancel");
    done(stage);
    cancel(again);

    String calm = finetune(submit("/sweeps", sweep("calm", 0, "off")));
    assertThat(calm).as("a training of its own").isNotEqualTo(stage);
    done(calm);
    assertThat(causes(calm)).as("a training that nobody touched").isEmpty();
    assertThat(outputs(stage)).hasSize(2).isEqualTo(outputs(calm));
    assertThat(causes(stage))
        .as("pause, preemption and drain each gave the stage back in good order")
        .containsExactly("INTERRUPTED", "INTERRUPTED", "INTERRUPTED");
    assertThat(espalier.number("select attempts from stage where stage_id = '" + stage + "'"))
        .as("none of them is a failed attempt")
        .isZero();
  }

  private static String sweep(String name, int priority, String cache) {
    return """
    name: %s
    model: %s
    dataset: %s
    methods: [{name: magnitude}]
    targets: {macs: [0.5]}
    seeds: [1]
    recipe: {epochs: 6, batchSize: 64, learningRate: 0.0005}
    evaluation: {batchSize: 32, runs: 2}
    priority: %d
    cache: %s
    """
        .formatted(name, FewImages.MODEL, FewImages.DATASET, priority, cache);
  }

  private static String submit(String path, String sweep) throws Exception {
    return espalier.post(path, sweep).path("sweepId").asText();
  }

  private static void cancel(String sweep) throws Exception {
    espalier.post("/sweeps/" + sweep + "/cancel", "");
  }

  /** The sweep's only training, once it is planned. */
  private static String finetune(String sweep) throws Exception {
    String planned =
        "select stage_id from stage join stage_claim c using (stage_id) where kind = 'FINETUNE'"
            + " and c.sweep_id = '"
            + sweep
            + "'";
    espalier.await("it is planned", PATIENCE, () -> espalier.texts(planned).size() == 1);
    return espalier.texts(planned).get(0);
  }

  /** Waits until the training is known to be beyond this step; answers with where it is. */
  private static long trainsBeyond(String stage, long step) throws Exception {
    espalier.await("it trains beyond step " + step, PATIENCE, () -> progress(stage) > step);
    return progress(stage);
  }

  private static long progress(String stage) throws Exception {
    return espalier.number(
        "select coalesce(max(step), 0) from lease where stage_id = '" + stage + "'");
  }

  /** Waits for the checkpoint that time alone brings. */
  private static long checkpointBeyond(String stage, long step) throws Exception {
    String saved = "select checkpoint_step from stage where stage_id = '" + stage + "'";
    espalier.await("a checkpoint is due", PATIENCE, () -> espalier.number(saved) > step);
    return espalier.number(saved);
  }

  private static void gaveBack(String stage, long times) {
    espalier.await(
        "its slot is free for the " + times + ". time",
        PATIENCE,
        () -> events(stage, "attempt_ended") == times);
  }

  /** The next attempt begins no earlier than the step that was known before. */
  private static long goesOn(String stage, long known, String when) throws Exception {
    long step = trainsBeyond(stage, known);
    assertThat(
            espalier.number(
                "select resumed_from_step from attempt where stage_id = '"
                    + stage
                    + "' order by generation desc limit 1"))
        .as("first step %s", when)
        .isGreaterThanOrEqualTo(known);
    return step;
  }

  private static String state(String stage) throws Exception {
    return espalier.texts("select state from stage where stage_id = '" + stage + "'").get(0);
  }

  private static boolean held(String stage) throws Exception {
    return espalier.number("select count(*) from stage where held and stage_id = '" + stage + "'")
        == 1;
  }

  private static long leases(String stage) throws Exception {
    return espalier.number("select count(*) from lease where stage_id = '" + stage + "'");
  }

  private static long events(String stage, String type) throws Exception {
    return espalier.number(
        "select count(*) from event where stream = 'stage-%s' and type = '%s'"
            .formatted(stage, type));
  }

  /** Why its attempts ended without a result. */
  private static List<String> causes(String stage) throws Exception {
    return espalier.texts(
        "select cause_code from attempt where outcome = 'ENDED' and stage_id = '" + stage + "'");
  }

  private static void done(String stage) {
    espalier.await("it has a result", PATIENCE, () -> state(stage).equals("SUCCEEDED"));
  }

  private static List<String> outputs(String stage) throws Exception {
    return espalier.texts(
        "select name || ' ' || sha256 from stage_output where stage_id = '"
            + stage
            + "' order by 1");
  }
}
