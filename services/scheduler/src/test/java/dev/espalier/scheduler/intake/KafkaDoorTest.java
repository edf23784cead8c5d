package dev.espalier.scheduler.intake;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.scheduler.security.Access;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.schemas.Topics;
import dev.espalier.schemas.sweep.v1.MethodChoice;
import dev.espalier.schemas.sweep.v1.SubmitSweep;
import dev.espalier.schemas.sweep.v1.SweepCommand;
import dev.espalier.schemas.sweep.v1.SweepSpec;
import dev.espalier.schemas.sweep.v1.Targets;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import dev.espalier.testkit.TestConsumer;
import dev.espalier.testkit.TestProducer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class KafkaDoorTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final Duration SOON = Duration.ofSeconds(60);

  @Test
  void takesARecordWithoutKeyAndHeadersAndParksWhatItCannotRead() throws Exception {
    Door door = new Door();
    KafkaSettings kafka = KafkaSettings.of(KAFKA.bootstrapServers());
    TopicAdmin.createAll(kafka, SOON);
    Transactions transactions = new Transactions(door.dataSource);
    byte[] noise = new byte[500];
    new Random(5).nextBytes(noise);
    byte[] nested = new byte[60_000]; // A length-delimited field within itself, 20,000-fold.
    Arrays.fill(nested, (byte) 0x52);
    SweepCommand command =
        SweepCommand.newBuilder()
            .setEventId(UUID.randomUUID().toString())
            .setSubmitSweep(
                SubmitSweep.newBuilder()
                    .setSpec(
                        SweepSpec.newBuilder()
                            .setName("by-kafka")
                            .setModel("vit")
                            .setDataset("images")
                            .addMethods(MethodChoice.newBuilder().setName("magnitude"))
                            .setTargets(Targets.newBuilder().addMacs(0.5))
                            .addSeeds(1)))
            .build();
    try (TestConsumer parked =
            TestConsumer.fromNow(
                KAFKA.bootstrapServers(), Topics.deadLetters(Topics.SWEEP_COMMANDS));
        EdgeLoops loops =
            new EdgeLoops(
                kafka,
                transactions,
                new Inbox(),
                door.intake,
                door.steering,
                new SweepStreams(new EventStore(), transactions),
                Access.local(),
                new SimpleMeterRegistry());
        TestProducer producer = new TestProducer(KAFKA.bootstrapServers())) {
      loops.start();

      for (byte[] bad : List.of(noise, nested, new byte[0])) {
        producer.send(Topics.SWEEP_COMMANDS, null, bad);
      }
      producer.send(Topics.SWEEP_COMMANDS, null, command.toByteArray());

      Eventually.within(
          SOON,
          () ->
              assertThat(door.count("select count(*) from sweep where name = 'by-kafka'"))
                  .isEqualTo(1));
      Eventually.within(
          SOON,
          () ->
              assertThat(parked.records())
                  .extracting(record -> record.value() == null ? 0 : record.value().length)
                  .contains(noise.length, nested.length, 0));
      assertThat(parked.records())
          .allSatisfy(record -> assertThat(record.headers().toArray()).isNotEmpty());
      assertThat(loops.troubles()).isEmpty();
    }
  }
}
