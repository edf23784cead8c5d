package dev.espalier.messaging.consume;

import com.google.protobuf.Message;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.process.Pace;
import dev.espalier.messaging.publish.EventPublisher;
import dev.espalier.messaging.serde.EventHeaders;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.serde.UnreadableRecord;
import dev.espalier.messaging.serde.UnreadableRecord.Reason;
import dev.espalier.messaging.trace.LogContext;
import dev.espalier.messaging.trace.TraceContext;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Metrics;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a topic on a thread of its own and hands each record to a handler.
 *
 * <p><b>Order</b>: records of one partition are handled one after another in their order; a record
 * that must wait holds up its partition and no other. <b>Delivery</b>: at least once; in a group
 * the offset is committed only after the handler returned, so a handler must bear a repeat. Only
 * committed transactions are read. <b>Failure</b>: bytes that no try can read go to the dead-letter
 * topic with the reason. Errors that pass ({@link PassingErrors}: database or broker away) are
 * waited out for ever, with growing pauses, while membership in the group is kept. Any other error
 * is tried three times, then the record goes to the dead-letter topic; {@link PermanentFailure}
 * goes there at once, {@link StopReading} ends the loop.
 */
public final class RecordLoop<M extends Message> implements AutoCloseable {

  private static final int TRIES = 3;
  private static final Duration POLL = Duration.ofMillis(100);
  private static final long FIRST_PAUSE_MS = 100;
  private static final long LONGEST_PAUSE_MS = 5_000;

  /** How often the broker is asked where its partitions end. */
  private static final long ASK_MS = 500;

  private static final Duration ANSWER = Duration.ofSeconds(1);
  private static final Duration COMMIT_EVERY = Duration.ofMillis(250);
  private static final Duration COMMIT_LIMIT = Duration.ofSeconds(5);
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(10);

  private static final Logger LOG = LoggerFactory.getLogger(RecordLoop.class);

  /** Where the loop begins to read. */
  private enum Start {
    GROUP,
    ALL_BEGINNING,
    ALL_END,
    ONE_END
  }

  /** What is wrong at one place of a partition. */
  private static final class Trouble {
    final long offset;
    // Records go one by one up to here, so that only the bad one of a batch suffers.
    final long lastOffset;
    int tries;
    int pauses;

    Trouble(long offset, long lastOffset) {
      this.offset = offset;
      this.lastOffset = lastOffset;
    }
  }

  private final TopicContract<M> contract;
  private final String name;
  private final KafkaSettings kafka;
  private final Start start;
  private final String group;
  private final int onePartition;
  private final BatchHandler<M> handler;
  private final boolean batches;
  private final boolean together;
  private final Consumer<Set<Integer>> onAssigned;
  private final Consumer<Set<Integer>> onRevoked;
  private final LoopMetrics loopMetrics;
  private final EventPublisher deadLetterPublisher;
  private final DeadLetters deadLetters;
  private final CaughtUp caughtUp = new CaughtUp(System::nanoTime);
  private final CountDownLatch positioned = new CountDownLatch(1);
  private final Thread thread;

  // Of the loop's thread alone.
  private KafkaConsumer<byte[], byte[]> consumer;
  private final Map<TopicPartition, Trouble> troubles = new HashMap<>();
  private final Map<TopicPartition, Long> resumeAt = new HashMap<>();
  // Next offset to handle, by partition; kept over a new consumer where there is no group.
  private final Map<TopicPartition, Long> handled = new HashMap<>();
  private final Map<TopicPartition, Long> uncommitted = new HashMap<>();
  private boolean committing;
  private long committedNanos = System.nanoTime();
  private long askedAtMs;

  private volatile boolean stopping;
  private volatile boolean failed;
  private volatile Set<Integer> owned = Set.of();
  private volatile long lag = -1;
  private volatile long answeredNanos;
  private volatile boolean answered;
  private volatile String lastError;

  private RecordLoop(Builder<M> builder) {
    contract = builder.contract;
    name = builder.name;
    kafka = Objects.requireNonNull(builder.kafka, "kafka settings");
    start = Objects.requireNonNull(builder.start, "where to start reading");
    group = builder.group;
    onePartition = builder.partition;
    handler = Objects.requireNonNull(builder.handler, "a handler");
    batches = builder.batches;
    together = builder.together;
    onAssigned = builder.onAssigned;
    onRevoked = builder.onRevoked;
    MeterRegistry metrics = builder.metrics;
    deadLetterPublisher = new EventPublisher(kafka, name + "-dead-letters", metrics);
    deadLetters = new DeadLetters(deadLetterPublisher, name, contract.topic(), metrics);
    loopMetrics = new LoopMetrics(contract.topic(), name, metrics);
    thread = new Thread(this::run, name + "-loop");
    thread.setDaemon(true);
  }

  /** A loop over a topic; {@code name} labels its thread, logs and dead letters. */
  public static <M extends Message> Builder<M> over(TopicContract<M> contract, String name) {
    return new Builder<>(contract, name);
  }

  /**
   * Starts reading. A loop over one partition from its end returns only when that end is known:
   * what is sent after this will be read. Other loops return at once.
   */
  public void start() {
    loopMetrics.watch(this);
    thread.start();
    if (start == Start.ONE_END) {
      try {
        positioned.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  public LoopHealth health() {
    return new LoopHealth(
        name,
        thread.isAlive() && !failed,
        answered && System.nanoTime() - answeredNanos < CaughtUp.STALE.toNanos(),
        owned,
        lag,
        Optional.ofNullable(lastError));
  }

  /**
   * For how long, without a gap, everything that the broker had in this partition has been handled
   * within seconds; zero while behind, disconnected or not the owner.
   */
  public Duration caughtUpFor(int partition) {
    return caughtUp.duration(partition);
  }

  /** The least {@link #caughtUpFor(int)} of all owned partitions; zero if none is owned. */
  public Duration caughtUpFor() {
    return caughtUp.duration();
  }

  /** Finishes the record at hand, commits and leaves the group. */
  @Override
  public void close() {
    stopping = true;
    positioned.countDown();
    try {
      thread.join(CLOSE_LIMIT.toMillis());
      if (thread.isAlive()) {
        LOG.warn("{} still handles a record after {}; interrupting it", name, CLOSE_LIMIT);
        thread.interrupt();
        thread.join(CLOSE_LIMIT.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    deadLetterPublisher.close();
  }

  private void run() {
    while (!stopping && !failed) {
      try {
        consumer =
            new KafkaConsumer<>(
                kafka.with(consumerSettings()),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
        committing = false;
        try {
          takePlace();
          while (!stopping && !failed) {
            turn();
          }
          commit();
        } finally {
          closeConsumer();
        }
      } catch (KafkaException | IllegalStateException e) {
        if (!stopping) {
          trouble("reads again from its last place", e);
          sleep(FIRST_PAUSE_MS * 5);
        }
      }
    }
  }

  private void closeConsumer() {
    try {
      // The listener commits and reports the partitions as gone.
      consumer.close(CloseOptions.timeout(COMMIT_LIMIT));
    } catch (KafkaException e) {
      LOG.debug("{} closed its consumer with {}", name, e.toString());
    } finally {
      if (!owned.isEmpty() && start == Start.GROUP) {
        lost(owned.stream().map(this::topicPartition).toList());
      }
    }
  }

  private void takePlace() {
    if (start == Start.GROUP) {
      consumer.subscribe(List.of(contract.topic()), rebalanceListener());
      return;
    }
    List<TopicPartition> partitions = new ArrayList<>();
    while (partitions.isEmpty() && !stopping) {
      try {
        if (start == Start.ONE_END) {
          partitions.add(topicPartition(onePartition));
        } else {
          consumer.partitionsFor(contract.topic(), ANSWER).stream()
              .map(info -> topicPartition(info.partition()))
              .forEach(partitions::add);
          if (partitions.isEmpty()) {
            sleep(FIRST_PAUSE_MS);
          }
        }
      } catch (RetriableException e) {
        trouble("waits for the broker", e);
      }
    }
    consumer.assign(partitions);
    boolean first = handled.isEmpty();
    Map<TopicPartition, Long> from = new HashMap<>(handled);
    while (first && from.isEmpty() && !stopping) {
      try {
        from.putAll(
            start == Start.ALL_BEGINNING
                ? consumer.beginningOffsets(partitions, ANSWER)
                : consumer.endOffsets(partitions, ANSWER));
      } catch (RetriableException e) {
        trouble("waits for the broker", e);
      }
    }
    if (stopping) {
      return;
    }
    from.forEach(consumer::seek);
    handled.putAll(from);
    positioned.countDown();
    if (first) {
      gained(partitions);
    }
  }

  private ConsumerRebalanceListener rebalanceListener() {
    return new ConsumerRebalanceListener() {
      @Override
      public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        gained(partitions);
      }

      @Override
      public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        commit();
        lost(partitions);
      }

      @Override
      public void onPartitionsLost(Collection<TopicPartition> partitions) {
        lost(partitions);
      }
    };
  }

  private void gained(Collection<TopicPartition> partitions) {
    Set<Integer> numbers = numbers(partitions);
    if (numbers.isEmpty()) {
      return;
    }
    caughtUp.add(numbers);
    owned = union(owned, numbers);
    onAssigned.accept(numbers);
  }

  private void lost(Collection<TopicPartition> partitions) {
    Set<Integer> numbers = numbers(partitions);
    if (numbers.isEmpty()) {
      return;
    }
    partitions.forEach(
        partition -> {
          troubles.remove(partition);
          resumeAt.remove(partition);
          handled.remove(partition);
          uncommitted.remove(partition);
        });
    caughtUp.remove(numbers);
    owned =
        owned.stream()
            .filter(number -> !numbers.contains(number))
            .collect(Collectors.toUnmodifiableSet());
    onRevoked.accept(numbers);
  }

  /** Polls once and handles what came. */
  private void turn() {
    long began = System.nanoTime();
    resumeThoseDue();
    ConsumerRecords<byte[], byte[]> records;
    try {
      records = consumer.poll(POLL);
    } catch (WakeupException e) {
      return;
    }
    if (!handledTogether(records)) {
      for (TopicPartition partition : records.partitions()) {
        handle(partition, records.records(partition));
        if (failed) {
          return;
        }
      }
    }
    if (failed) {
      return;
    }
    commitSoon();
    askForEnds();
    if (batches && !records.isEmpty()) {
      Pace.OF_EVENTS.rest(began);
    }
  }

  /**
   * All partitions' records in one call. Whatever is wrong is found out partition by partition: the
   * handler changed nothing, or bears the repeat.
   *
   * @return whether they are done with, or the loop has failed
   */
  private boolean handledTogether(ConsumerRecords<byte[], byte[]> records) {
    if (!together || !troubles.isEmpty() || records.partitions().size() < 2 || stopping) {
      return false;
    }
    List<ConsumedRecord<M>> all = new ArrayList<>(records.count());
    try {
      for (ConsumerRecord<byte[], byte[]> record : records) {
        all.add(read(record));
      }
      handler.handle(all);
    } catch (StopReading e) {
      LOG.error("{} stops: {}", name, e.getMessage());
      lastError = e.getMessage();
      failed = true;
      return true;
    } catch (Exception | LinkageError | AssertionError | StackOverflowError e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      return false;
    }
    lastError = null;
    loopMetrics.handled(all);
    for (TopicPartition partition : records.partitions()) {
      List<ConsumerRecord<byte[], byte[]>> some = records.records(partition);
      long nextOffset = some.get(some.size() - 1).offset() + 1;
      handled.put(partition, nextOffset);
      if (start == Start.GROUP) {
        uncommitted.put(partition, nextOffset);
      }
    }
    return true;
  }

  private void handle(TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records) {
    int next = 0;
    while (next < records.size() && !stopping) {
      List<ConsumedRecord<M>> good = new ArrayList<>();
      UnreadableRecord unreadable = null;
      int end = next;
      boolean single = !batches || troubles.containsKey(partition);
      while (end < records.size() && unreadable == null && !(single && good.size() == 1)) {
        try {
          good.add(read(records.get(end)));
          end++;
        } catch (UnreadableRecord e) {
          unreadable = e;
        }
      }
      boolean done =
          good.isEmpty()
              ? parked(partition, records.get(next), unreadable)
              : handled(partition, good, records.get(next));
      if (failed) {
        return;
      }
      if (!done) {
        // Comes again after the pause, with all behind it.
        consumer.seek(partition, records.get(next).offset());
        consumer.pause(List.of(partition));
        return;
      }
      next += good.isEmpty() ? 1 : good.size();
      long nextOffset = records.get(next - 1).offset() + 1;
      Trouble trouble = troubles.get(partition);
      if (trouble != null && nextOffset > trouble.lastOffset) {
        troubles.remove(partition);
      }
      handled.put(partition, nextOffset);
      if (start == Start.GROUP) {
        uncommitted.put(partition, nextOffset);
      }
    }
    if (next < records.size()) {
      consumer.seek(partition, records.get(next).offset());
    }
  }

  /** Whether the records are done with; otherwise they come again. */
  private boolean handled(
      TopicPartition partition,
      List<ConsumedRecord<M>> good,
      ConsumerRecord<byte[], byte[]> first) {
    try (var log = LogContext.open().trace(good.get(0).trace())) {
      handler.handle(good);
      if (lastError != null && troubles.containsKey(partition)) {
        LOG.info("{} goes on at {} {}", name, partition, first.offset());
      }
      lastError = null;
      loopMetrics.handled(good);
      return true;
    } catch (StopReading e) {
      LOG.error("{} stops at {} {}: {}", name, partition, first.offset(), e.getMessage());
      lastError = e.getMessage();
      failed = true;
      return false;
    } catch (Exception | LinkageError | AssertionError | StackOverflowError e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      return stopping ? false : afterError(partition, good, first, e);
    }
  }

  private boolean afterError(
      TopicPartition partition,
      List<ConsumedRecord<M>> good,
      ConsumerRecord<byte[], byte[]> first,
      Throwable error) {
    Trouble trouble = troubleAt(partition, first.offset(), good.get(good.size() - 1).offset());
    if (PassingErrors.isPassing(error)) {
      trouble("waits at " + partition + " " + first.offset(), error);
      pause(partition, trouble);
      return false;
    }
    if (good.size() == 1) {
      trouble.tries++;
      if (trouble.tries >= TRIES || error instanceof PermanentFailure) {
        LOG.error("{} cannot handle {} {}", name, partition, first.offset(), error);
        return parked(
            partition, first, new UnreadableRecord(Reason.HANDLER_FAILED, error.toString(), error));
      }
    }
    trouble("tries again at " + partition + " " + first.offset(), error);
    pause(partition, trouble);
    return false;
  }

  private boolean parked(
      TopicPartition partition, ConsumerRecord<byte[], byte[]> record, UnreadableRecord reason) {
    try {
      deadLetters.park(record, reason);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (TimeoutException | ExecutionException e) {
      trouble("waits to park " + partition + " " + record.offset(), e);
      pause(partition, troubleAt(partition, record.offset(), record.offset()));
      return false;
    }
  }

  private Trouble troubleAt(TopicPartition partition, long offset, long lastOffset) {
    Trouble known = troubles.get(partition);
    if (known == null || known.offset != offset) {
      long last = known == null ? lastOffset : Math.max(known.lastOffset, lastOffset);
      known = new Trouble(offset, last);
      troubles.put(partition, known);
    }
    return known;
  }

  private void pause(TopicPartition partition, Trouble trouble) {
    long pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << Math.min(trouble.pauses, 10));
    trouble.pauses++;
    resumeAt.put(partition, System.nanoTime() + pauseMs * 1_000_000);
  }

  private void resumeThoseDue() {
    if (resumeAt.isEmpty()) {
      return;
    }
    long now = System.nanoTime();
    List<TopicPartition> due =
        resumeAt.entrySet().stream()
            .filter(entry -> now - entry.getValue() >= 0)
            .map(Map.Entry::getKey)
            .toList();
    due.forEach(resumeAt::remove);
    consumer.resume(due);
  }

  private ConsumedRecord<M> read(ConsumerRecord<byte[], byte[]> record) throws UnreadableRecord {
    M message = contract.decode(record.value());
    return new ConsumedRecord<>(
        record.topic(),
        record.partition(),
        record.offset(),
        Instant.ofEpochMilli(record.timestamp()),
        text(record.key()),
        contract.eventId().apply(message),
        TopicContract.eventTypeOf(message),
        message,
        record.value(),
        TraceContext.from(record.headers()).orElseGet(TraceContext::start),
        EventHeaders.text(record.headers(), EventHeaders.AUTHORIZATION));
  }

  /** A key as text; one that is no UTF-8 as hex digits. */
  static String text(byte[] key) {
    if (key == null) {
      return null;
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(key)).toString();
    } catch (CharacterCodingException e) {
      return HexFormat.of().formatHex(key);
    }
  }

  /**
   * Without waiting for the answer; what it leaves open goes along with the next one. A place that
   * is behind by as much costs a repeat after a crash, which handlers bear; one commit for each
   * poll would be one more write of the broker for each handful of records.
   */
  private void commitSoon() {
    if (start != Start.GROUP || uncommitted.isEmpty() || committing) {
      return;
    }
    long now = System.nanoTime();
    if (now - committedNanos < COMMIT_EVERY.toNanos()) {
      return;
    }
    committedNanos = now;
    committing = true;
    consumer.commitAsync(
        offsets(),
        (offsets, error) -> {
          committing = false;
          if (error == null) {
            offsets.forEach(
                (partition, committed) -> uncommitted.remove(partition, committed.offset()));
          } else if (error instanceof RetriableException) {
            trouble("commits later", error);
          } else {
            LOG.info("{} could not commit: {}", name, error.toString());
          }
        });
  }

  private Map<TopicPartition, OffsetAndMetadata> offsets() {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    uncommitted.forEach(
        (partition, offset) -> offsets.put(partition, new OffsetAndMetadata(offset)));
    return offsets;
  }

  private void commit() {
    if (start != Start.GROUP || uncommitted.isEmpty()) {
      return;
    }
    try {
      consumer.commitSync(offsets(), COMMIT_LIMIT);
      uncommitted.clear();
    } catch (CommitFailedException | RebalanceInProgressException e) {
      // The group has moved on; whoever owns the partitions now handles the records again.
      LOG.info("{} could not commit: {}", name, e.toString());
    } catch (RetriableException e) {
      // Goes along with a later commit.
      trouble("commits later", e);
    }
  }

  private void askForEnds() {
    long nowMs = System.nanoTime() / 1_000_000;
    if (nowMs - askedAtMs < ASK_MS && askedAtMs != 0) {
      return;
    }
    askedAtMs = nowMs;
    Set<TopicPartition> partitions = consumer.assignment();
    if (partitions.isEmpty()) {
      lag = 0;
      return;
    }
    try {
      long asked = System.nanoTime();
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, ANSWER);
      long behind = 0;
      for (TopicPartition partition : partitions) {
        long end = ends.get(partition);
        caughtUp.end(partition.partition(), end, asked);
        // A paused partition stands before the record it waits for.
        long position = consumer.position(partition, ANSWER);
        caughtUp.handled(partition.partition(), position);
        behind += Math.max(0, end - position);
      }
      lag = behind;
      answeredNanos = System.nanoTime();
      answered = true;
    } catch (RetriableException e) {
      trouble("gets no answer from the broker", e);
    }
  }

  private void trouble(String what, Throwable error) {
    String message = what + ": " + error;
    if (!message.equals(lastError)) {
      LOG.warn("{} {}", name, message);
    }
    lastError = message;
  }

  private Map<String, Object> consumerSettings() {
    Map<String, Object> settings = new HashMap<>();
    settings.put("client.id", name);
    settings.put("enable.auto.commit", "false");
    settings.put("isolation.level", "read_committed");
    // Also where retention has taken what came next.
    settings.put("auto.offset.reset", "earliest");
    settings.put("max.poll.records", "500");
    // The broker answers as soon as it has something.
    settings.put("fetch.max.wait.ms", "500");
    settings.put("request.timeout.ms", "10000");
    settings.put("reconnect.backoff.max.ms", "1000");
    settings.put("retry.backoff.max.ms", "1000");
    settings.put("allow.auto.create.topics", "false");
    // A topic that is created after the start is found within seconds.
    settings.put("metadata.max.age.ms", "5000");
    if (start == Start.GROUP) {
      settings.put("group.id", group);
      settings.put("session.timeout.ms", "6000");
      settings.put("heartbeat.interval.ms", "2000");
      settings.put(
          "partition.assignment.strategy",
          "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
    }
    return settings;
  }

  private TopicPartition topicPartition(int partition) {
    return new TopicPartition(contract.topic(), partition);
  }

  private static Set<Integer> numbers(Collection<TopicPartition> partitions) {
    return partitions.stream()
        .map(TopicPartition::partition)
        .collect(Collectors.toUnmodifiableSet());
  }

  private static Set<Integer> union(Set<Integer> some, Set<Integer> more) {
    var all = new HashSet<>(some);
    all.addAll(more);
    return Set.copyOf(all);
  }

  private static void sleep(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Says what a loop reads and who handles it. */
  public static final class Builder<M extends Message> {

    private final TopicContract<M> contract;
    private final String name;
    private KafkaSettings kafka;
    private Start start;
    private String group;
    private int partition = -1;
    private BatchHandler<M> handler;
    private boolean batches;
    private boolean together;
    private Consumer<Set<Integer>> onAssigned = partitions -> {};
    private Consumer<Set<Integer>> onRevoked = partitions -> {};
    private MeterRegistry metrics = Metrics.globalRegistry;

    private Builder(TopicContract<M> contract, String name) {
      this.contract = contract;
      this.name = name;
    }

    public Builder<M> kafka(KafkaSettings kafka) {
      this.kafka = kafka;
      return this;
    }

    /**
     * Shares the partitions with the other members of the group. Offsets are kept by the broker.
     */
    public Builder<M> group(String group) {
      this.start = Start.GROUP;
      this.group = group;
      return this;
    }

    /** Reads all partitions from their beginning, without a group. */
    public Builder<M> allFromBeginning() {
      this.start = Start.ALL_BEGINNING;
      return this;
    }

    /** Reads all partitions from their end as of now, without a group. */
    public Builder<M> allFromEnd() {
      this.start = Start.ALL_END;
      return this;
    }

    /** Reads one partition from its end as of {@link #start}, which returns once that is known. */
    public Builder<M> partitionFromEnd(int partition) {
      this.start = Start.ONE_END;
      this.partition = partition;
      return this;
    }

    public Builder<M> each(RecordHandler<M> handler) {
      this.handler = records -> handler.handle(records.get(0));
      this.batches = false;
      this.together = false;
      return this;
    }

    public Builder<M> batches(BatchHandler<M> handler) {
      this.handler = handler;
      this.batches = true;
      return this;
    }

    /**
     * All records that one poll brought, of several partitions, each partition's in their order. If
     * the handler throws, they come again by partition, as {@link #batches} has them.
     */
    public Builder<M> polls(BatchHandler<M> handler) {
      batches(handler);
      this.together = true;
      return this;
    }

    /** Called on the loop's thread with the partitions that were added. */
    public Builder<M> onAssigned(Consumer<Set<Integer>> listener) {
      this.onAssigned = listener;
      return this;
    }

    /** Called on the loop's thread with the partitions that were taken away. */
    public Builder<M> onRevoked(Consumer<Set<Integer>> listener) {
      this.onRevoked = listener;
      return this;
    }

    public Builder<M> metrics(MeterRegistry metrics) {
      this.metrics = metrics;
      return this;
    }

    public RecordLoop<M> build() {
      return new RecordLoop<>(this);
    }
  }
}
