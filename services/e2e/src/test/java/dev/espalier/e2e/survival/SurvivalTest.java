package dev.espalier.e2e.survival;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.schemas.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code kill -9} of a trainer, of a scheduler and of the broker while a real sweep runs. */
class SurvivalTest {

  /** Checkpoints often enough that each finetune has one before the first kill. */
  private static final Map<String, String> SETTINGS =
      Map.of("ESPALIER_CHECKPOINT_INTERVAL", "2s");

  private static final String SWEEP =
      """
      name: survival
      model: fashion-vit-96x6
      dataset: fashion-mnist-subset
      methods: [{name: magnitude}]
      targets: {macs: [0.75, 0.5]}
      seeds: [1]
      recipe: {epochs: 2, batchSize: 64, learningRate: 0.0005}
      evaluation: {batchSize: 32, runs: 5}
      """;

  private static final String FINETUNES_WITH_CHECKPOINT =
      """
      select count(*) from stage
       where kind = 'FINETUNE' and state = 'RUNNING' and checkpoint is not null
      """;

  private static final String LOST =
      "select count(*) from event where type = 'attempt_ended'";

  @Test
  void aSweepFinishesByItselfWhateverIsKilled(@TempDir Path directory) throws Exception {
    Path shipped = Installation.root().resolve("services/standalone/src/main/resources");
    try (Installation espalier =
        Installation.start(Installation.root(), directory, 2, SETTINGS)) {
      espalier.addScheduler(SETTINGS);
      espalier.register(
          "/models/fashion-vit-96x6", shipped.resolve("models/fashion-vit-96x6.safetensors"));
      espalier.register(
          "/datasets/fashion-mnist-subset", shipped.resolve("datasets/fashion-mnist-subset.zip"));
      String sweep = espalier.post("/sweeps", SWEEP).path("sweepId").asText();

      espalier.await(
          "two finetunes run and have checkpoints",
          Duration.ofMinutes(3),
          () -> espalier.number(FINETUNES_WITH_CHECKPOINT) == 2);
      espalier.kill("trainer-1");
      espalier.await(
          "the lost attempt is on record",
          Duration.ofSeconds(60),
          () -> espalier.number(LOST) >= 1);
      long lostToTheTrainer = espalier.number(LOST);
      assertThat(lostToTheTrainer).as("a trainer runs one stage at a time").isEqualTo(1);

      espalier.kill("scheduler");
      espalier.await(
          "the scheduler is back", Duration.ofSeconds(90), () -> espalier.restarts("scheduler") >= 1);
      espalier.kill("broker");
      espalier.await(
          "the sweep is completed",
          Duration.ofMinutes(8),
          () ->
              espalier.get("/sweeps/" + sweep).path("state").asText().equals("COMPLETED"));

      assertThat(espalier.restarts("broker")).isGreaterThanOrEqualTo(1);
      assertThat(espalier.restarts("trainer-1")).isGreaterThanOrEqualTo(1);
      everyCellHasExactlyOneResult(espalier, sweep);
      assertThat(espalier.number("select count(*) from attempt where resumed_from_step > 0"))
          .as("attempts that went on from a checkpoint")
          .isGreaterThanOrEqualTo(1);
      assertThat(espalier.number(LOST))
          .as("no lease was lost to the outage of scheduler or broker")
          .isEqualTo(lostToTheTrainer);
      assertThat(deadLetters(espalier)).isEmpty();
    }
  }

  private static void everyCellHasExactlyOneResult(Installation espalier, String sweep)
      throws Exception {
    JsonNode results = espalier.get("/sweeps/" + sweep + "/results");
    assertThat(results.path("trials")).hasSize(2);
    List<String> succeeded =
        espalier.texts("select stream from event where type = 'trial_succeeded' order by stream");
    assertThat(succeeded).hasSize(2).doesNotHaveDuplicates();
    List<String> stages =
        espalier.texts("select stream from event where type = 'stage_succeeded' order by stream");
    assertThat(stages)
        .as("a shared search, and prune, finetune and evaluate for each of two trials")
        .hasSize(7)
        .doesNotHaveDuplicates();
    assertThat(espalier.number("select count(*) from event where type = 'sweep_completed'"))
        .isEqualTo(1);
  }

  /** Records in each dead-letter topic that is not empty. */
  private static Map<String, Long> deadLetters(Installation espalier) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", espalier.kafka()))) {
      Set<String> topics =
          Topics.ALL.stream().map(Topics::deadLetters).collect(Collectors.toSet());
      Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
      admin
          .describeTopics(topics)
          .allTopicNames()
          .get()
          .forEach(
              (topic, description) ->
                  description
                      .partitions()
                      .forEach(
                          p ->
                              ends.put(
                                  new TopicPartition(topic, p.partition()), OffsetSpec.latest())));
      Map<String, Long> records = new HashMap<>();
      admin
          .listOffsets(ends)
          .all()
          .get()
          .forEach(
              (partition, end) -> {
                if (end.offset() > 0) {
                  records.merge(partition.topic(), end.offset(), Long::sum);
                }
              });
      return records;
    }
  }
}
