package dev.espalier.scheduler.stream;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.EventStore.Span;
import dev.espalier.eventstore.StoredEvent;
import dev.espalier.sweep.lifecycle.Decider;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Folds streams of one kind. Remembers the latest state of the streams in use, and the one that was
 * last asked for by version, and reads from the table only what came after; events never change, so
 * that what is remembered never is wrong.
 */
final class Histories<S, C, E, M extends Message> {

  private static final int REMEMBERED = 20_000;

  /** A stream's state at a version. */
  record History<S>(S state, long version) {}

  private static final class Memory<S> extends LinkedHashMap<String, History<S>> {

    private static final long serialVersionUID = 1L;

    Memory() {
      super(256, 0.75f, true);
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, History<S>> eldest) {
      return size() > REMEMBERED;
    }

    synchronized History<S> find(String stream) {
      return get(stream);
    }

    synchronized void keep(String stream, History<S> now) {
      History<S> other = get(stream);
      if (other == null || other.version() < now.version()) {
        put(stream, now);
      }
    }
  }

  private final EventStore events;
  private final Decider<S, C, E> decider;
  private final Parser<M> parser;
  private final Function<M, Optional<E>> reader;
  private final Memory<S> latest = new Memory<>();
  private final Memory<S> asked = new Memory<>();

  Histories(
      EventStore events,
      Decider<S, C, E> decider,
      Parser<M> parser,
      Function<M, Optional<E>> reader) {
    this.events = events;
    this.decider = decider;
    this.parser = parser;
    this.reader = reader;
  }

  /** The stream as the connection's transaction sees it. Call before appending in it. */
  History<S> load(Connection connection, String stream) throws SQLException {
    return load(connection, List.of(stream)).get(stream);
  }

  /** Many streams as the connection's transaction sees them. */
  Map<String, History<S>> load(Connection connection, Collection<String> streams)
      throws SQLException {
    Map<String, History<S>> found = new HashMap<>();
    Map<String, Span> news = new HashMap<>();
    for (String stream : streams) {
      History<S> known = latest.find(stream);
      found.put(stream, known == null ? initial() : known);
      news.put(stream, Span.after(found.get(stream).version()));
    }
    for (var one : events.load(connection, news).entrySet()) {
      String stream = one.getKey();
      History<S> now = found.get(stream);
      for (StoredEvent event : one.getValue()) {
        now = next(now, event);
      }
      found.put(stream, now);
      latest.keep(stream, now);
    }
    return found;
  }

  /** Reads many streams for decisions to come. */
  void prepare(Changes changes, Collection<String> streams) throws SQLException {
    List<String> unknown = streams.stream().filter(stream -> !changes.knows(stream)).toList();
    load(changes.connection(), unknown).forEach(changes::learn);
  }

  /** The stream with what this transaction has done to it so far. */
  @SuppressWarnings("unchecked") // a stream's name says which kind it is
  History<S> current(Changes changes, String stream) throws SQLException {
    if (!changes.knows(stream)) {
      prepare(changes, List.of(stream));
    }
    return (History<S>) changes.known(stream);
  }

  void remember(String stream, History<S> now) {
    latest.keep(stream, now);
  }

  /** The stream as it was at a version. */
  S at(Connection connection, String stream, long version) throws SQLException {
    return at(connection, Map.of(stream, Set.of(version))).get(stream).get(version);
  }

  /**
   * Streams as they were at versions. Those who ask for one version after the other, as readers of
   * the published events do, have each event read once.
   *
   * @return states by stream and version
   */
  Map<String, Map<Long, S>> at(Connection connection, Map<String, Set<Long>> wanted)
      throws SQLException {
    Map<String, Map<Long, S>> answers = new HashMap<>();
    Map<String, History<S>> from = new HashMap<>();
    Map<String, Span> spans = new HashMap<>();
    for (var one : wanted.entrySet()) {
      String stream = one.getKey();
      long first = one.getValue().stream().min(Long::compare).orElseThrow();
      long last = one.getValue().stream().max(Long::compare).orElseThrow();
      History<S> known = asked.find(stream);
      History<S> start = known != null && known.version() <= first ? known : initial();
      from.put(stream, start);
      spans.put(stream, new Span(start.version(), last));
      answers.put(stream, new HashMap<>());
    }
    Map<String, List<StoredEvent>> news = events.load(connection, spans);
    for (var one : wanted.entrySet()) {
      String stream = one.getKey();
      History<S> now = from.get(stream);
      answer(answers.get(stream), one.getValue(), now);
      for (StoredEvent event : news.getOrDefault(stream, List.of())) {
        now = next(now, event);
        answer(answers.get(stream), one.getValue(), now);
      }
      asked.keep(stream, now);
    }
    return answers;
  }

  private void answer(Map<Long, S> answers, Set<Long> wanted, History<S> now) {
    if (wanted.contains(now.version())) {
      answers.put(now.version(), now.state());
    }
  }

  private History<S> initial() {
    return new History<>(decider.initial(), 0);
  }

  private History<S> next(History<S> before, StoredEvent event) {
    return new History<>(decider.evolve(before.state(), read(event)), event.version());
  }

  private E read(StoredEvent event) {
    try {
      return reader
          .apply(parser.parseFrom(event.payload()))
          .orElseThrow(() -> new UnknownHistory(event.stream(), event.version(), event.type()));
    } catch (InvalidProtocolBufferException e) {
      throw new UnknownHistory(event.stream(), event.version(), event.type());
    }
  }
}
