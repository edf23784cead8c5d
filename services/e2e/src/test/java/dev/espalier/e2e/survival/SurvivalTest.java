package dev.espalier.e2e.survival;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.schemas.Topics;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * One installation with two schedulers: a record nobody can read, sweeps that are refused, a sweep
 * handed in over Kafka, and {@code kill -9} of a trainer, of a scheduler and of the broker while it
 * runs.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SurvivalTest {

  /** Checkpoints often enough that each finetune has one before the first kill. */
  private static final Map<String, String> SETTINGS = Map.of("ESPALIER_CHECKPOINT_INTERVAL", "2s");

  private static final String SWEEP =
      """
      name: survival
      model: fashion-vit-96x6
      dataset: fashion-mnist-subset
      methods: [{name: magnitude}]
      targets: {macs: [0.75, 0.5]}
      seeds: [1]
      recipe: {epochs: 1, batchSize: 64, learningRate: 0.0005}
      evaluation: {batchSize: 32, runs: 5}
      """;

  /** The same sweep as protobuf text. */
  private static final String COMMAND =
      """
      event_id: "7c1f0e0a-2f0b-4a57-9d53-0d1f6a0c2f11"
      submit_sweep {
        spec {
          name: "survival" model: "fashion-vit-96x6" dataset: "fashion-mnist-subset"
          methods { name: "magnitude" }
          targets { macs: 0.75 macs: 0.5 }
          seeds: 1
          recipe { epochs: 1 batch_size: 64 learning_rate: 0.0005 }
          evaluation { batch_size: 32 runs: 5 }
        }
      }
      """;

  private static final String FINETUNES_WITH_CHECKPOINT =
      """
      select count(*) from stage
       where kind = 'FINETUNE' and state = 'RUNNING' and checkpoint is not null
      """;

  private static final String LOST = "select count(*) from event where type = 'attempt_ended'";

  private static final Set<String> ENDED = Set.of("COMPLETED", "CANCELLED", "CAPPED");

  @TempDir private static Path directory;

  private static Installation espalier;

  @BeforeAll
  static void start() throws Exception {
    Path shipped = Installation.root().resolve("services/standalone/src/main/resources");
    espalier = Installation.start(Installation.root(), directory.resolve("data"), 2, SETTINGS);
    espalier.addScheduler(SETTINGS);
    espalier.register(
        "/models/fashion-vit-96x6", shipped.resolve("models/fashion-vit-96x6.safetensors"));
    espalier.register(
        "/datasets/fashion-mnist-subset", shipped.resolve("datasets/fashion-mnist-subset.zip"));
  }

  @AfterAll
  static void stop() {
    if (espalier != null) {
      espalier.close();
    }
  }

  @Test
  @Order(1)
  void aRecordOfRandomBytesIsParkedWithItsReason() throws Exception {
    Path noise = directory.resolve("noise.bin");
    byte[] bytes = new byte[200];
    new Random(7).nextBytes(bytes);
    Files.write(noise, bytes);
    produce(noise);
    espalier.await(
        "the record is among the dead letters",
        Duration.ofSeconds(60),
        () -> deadLetters().getOrDefault(Topics.deadLetters(Topics.SWEEP_COMMANDS), 0L) == 1);
    ConsumerRecord<byte[], byte[]> parked = deadLetter();
    assertThat(parked.value()).isEqualTo(bytes);
    assertThat(StreamSupport.stream(parked.headers().spliterator(), false))
        .anySatisfy(
            header -> {
              assertThat(header.key()).contains("reason");
              assertThat(new String(header.value(), StandardCharsets.UTF_8)).isNotBlank();
            });
  }

  @Test
  @Order(2)
  void badSweepsAreRefusedOverHttpByNameAndLeaveNothingBehind() throws Exception {
    long events = espalier.number("select count(*) from event");
    for (BadSweep bad : BadSweep.of(SWEEP)) {
      bad.checkRefusal(espalier.answer("/sweeps", bad.text()));
    }
    assertThat(espalier.number("select count(*) from event")).isEqualTo(events);
    assertThat(espalier.number("select count(*) from sweep")).isZero();
  }

  @Test
  @Order(3)
  void aSweepEncodedByProtocAndProducedByKcatIsTheSameSweep() throws Exception {
    Path message = directory.resolve("submit.bin");
    Files.write(message, encode(COMMAND));
    produce(message);
    espalier.await(
        "the sweep is accepted",
        Duration.ofSeconds(60),
        () -> espalier.number("select count(*) from sweep") == 1);
    JsonNode again = espalier.post("/sweeps", SWEEP);
    assertThat(again.path("attached").asBoolean()).as("REST joins it: %s", again).isTrue();
    assertThat(espalier.texts("select sweep_id from sweep"))
        .containsExactly(again.path("sweepId").asText());
  }

  @Test
  @Order(4)
  void aSweepFinishesByItselfWhateverIsKilled() throws Exception {
    String sweep = espalier.post("/sweeps", SWEEP).path("sweepId").asText();
    Map<String, Long> parkedBefore = deadLetters();
    espalier.await(
        "two finetunes run and have checkpoints",
        Duration.ofMinutes(5),
        () -> espalier.number(FINETUNES_WITH_CHECKPOINT) == 2);
    espalier.kill("trainer-1");
    espalier.await(
        "the lost attempt is on record", Duration.ofSeconds(60), () -> espalier.number(LOST) >= 1);
    long lostToTheTrainer = espalier.number(LOST);
    assertThat(lostToTheTrainer).as("a trainer runs one stage at a time").isEqualTo(1);

    espalier.kill("scheduler");
    espalier.await(
        "the scheduler is back", Duration.ofSeconds(90), () -> espalier.restarts("scheduler") >= 1);
    espalier.kill("broker");
    espalier.await(
        "the sweep is completed",
        Duration.ofMinutes(10),
        () -> espalier.get("/sweeps/" + sweep).path("state").asText().equals("COMPLETED"));

    assertThat(espalier.restarts("broker")).isGreaterThanOrEqualTo(1);
    assertThat(espalier.restarts("trainer-1")).isGreaterThanOrEqualTo(1);
    everyCellHasExactlyOneResult(sweep);
    assertThat(espalier.number("select count(*) from attempt where resumed_from_step > 0"))
        .as("attempts that went on from a checkpoint")
        .isGreaterThanOrEqualTo(1);
    assertThat(espalier.number(LOST))
        .as("no lease was lost to the outage of scheduler or broker")
        .isEqualTo(lostToTheTrainer);
    assertThat(deadLetters()).as("nothing else was parked").isEqualTo(parkedBefore);
  }

  /** Whatever was killed before: the same installation goes on to work through all methods. */
  @Test
  @Order(5)
  void theSmokeFormOfTheEvidenceEndsEveryCellWithItsFigures() throws Exception {
    EvidenceSmoke smoke = new EvidenceSmoke(espalier, directory);
    String sweep = smoke.submit();
    espalier.await(
        "every trial of the evidence has ended",
        Duration.ofMinutes(15),
        () -> ENDED.contains(espalier.get("/sweeps/" + sweep).path("state").asText()));
    smoke.check(sweep);
  }

  /**
   * What the schemas import, from the class path: Debian has protobuf's own in a package that its
   * protoc only recommends.
   */
  private static final List<String> IMPORTS =
      List.of(
          "buf/validate/validate.proto",
          "google/protobuf/descriptor.proto",
          "google/protobuf/duration.proto",
          "google/protobuf/field_mask.proto",
          "google/protobuf/timestamp.proto",
          "google/protobuf/struct.proto");

  /** The text as bytes on the wire, by Debian's protoc. */
  private static byte[] encode(String message) throws Exception {
    Path imports = directory.resolve("imports");
    for (String proto : IMPORTS) {
      Path file = imports.resolve(proto);
      Files.createDirectories(file.getParent());
      try (InputStream text = SurvivalTest.class.getClassLoader().getResourceAsStream(proto)) {
        Files.copy(text, file, StandardCopyOption.REPLACE_EXISTING);
      }
    }
    return Tool.run(
        message.getBytes(StandardCharsets.UTF_8),
        "protoc",
        "--encode=espalier.sweep.v1.SweepCommand",
        "-I",
        Installation.root().resolve("schemas/src/main/proto").toString(),
        "-I",
        imports.toString(),
        "espalier/sweep/v1/sweep.proto");
  }

  private static void produce(Path file) throws Exception {
    Tool.run(
        new byte[0],
        "kcat",
        "-P",
        "-b",
        espalier.kafka(),
        "-t",
        Topics.SWEEP_COMMANDS,
        file.toString());
  }

  private static ConsumerRecord<byte[], byte[]> deadLetter() throws Exception {
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers",
            espalier.kafka(),
            "auto.offset.reset",
            "earliest",
            "key.deserializer",
            ByteArrayDeserializer.class,
            "value.deserializer",
            ByteArrayDeserializer.class);
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(Topics.deadLetters(Topics.SWEEP_COMMANDS)).stream()
              .map(p -> new TopicPartition(p.topic(), p.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      for (int polls = 0; polls < 50; polls++) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          return record;
        }
      }
      throw new AssertionError("no dead letter could be read");
    }
  }

  private static void everyCellHasExactlyOneResult(String sweep) throws Exception {
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
  private static Map<String, Long> deadLetters() throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", espalier.kafka()))) {
      Set<String> topics = Topics.ALL.stream().map(Topics::deadLetters).collect(Collectors.toSet());
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
