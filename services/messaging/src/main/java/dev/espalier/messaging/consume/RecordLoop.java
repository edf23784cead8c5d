package dev.espalier.messaging.consume;

import com.google.protobuf.Message;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.serde.TopicContract;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;

public final class RecordLoop<M extends Message> implements AutoCloseable {

  private RecordLoop() {}

  /** A loop over a topic; {@code name} labels its thread, metrics and dead letters. */
  public static <M extends Message> Builder<M> over(TopicContract<M> contract, String name) {
    return new Builder<>();
  }

  public void start() {
    throw new UnsupportedOperationException();
  }

  public LoopHealth health() {
    throw new UnsupportedOperationException();
  }

  /**
   * For how long, without a gap, everything that the broker had in this partition has been handled
   * within seconds; zero while behind, disconnected or not the owner.
   */
  public Duration caughtUpFor(int partition) {
    throw new UnsupportedOperationException();
  }

  /** The least {@link #caughtUpFor(int)} of all owned partitions; zero if none is owned. */
  public Duration caughtUpFor() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}

  public static final class Builder<M extends Message> {

    public Builder<M> kafka(KafkaSettings kafka) {
      return this;
    }

    /**
     * Shares the partitions with the other members of the group. Offsets are kept by the broker.
     */
    public Builder<M> group(String group) {
      return this;
    }

    /** Reads all partitions from their beginning, without a group. */
    public Builder<M> allFromBeginning() {
      return this;
    }

    /** Reads all partitions from their end as of now, without a group. */
    public Builder<M> allFromEnd() {
      return this;
    }

    /** Reads one partition from its end as of {@link #start}, which returns once that is known. */
    public Builder<M> partitionFromEnd(int partition) {
      return this;
    }

    public Builder<M> each(RecordHandler<M> handler) {
      return this;
    }

    public Builder<M> batches(BatchHandler<M> handler) {
      return this;
    }

    /** Called on the loop's thread with the partitions that were added. */
    public Builder<M> onAssigned(Consumer<Set<Integer>> listener) {
      return this;
    }

    /** Called on the loop's thread with the partitions that were taken away. */
    public Builder<M> onRevoked(Consumer<Set<Integer>> listener) {
      return this;
    }

    public Builder<M> metrics(MeterRegistry metrics) {
      return this;
    }

    public RecordLoop<M> build() {
      return new RecordLoop<>();
    }
  }
}
