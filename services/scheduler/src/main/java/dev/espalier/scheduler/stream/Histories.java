package dev.espalier.scheduler.stream;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.StoredEvent;
import dev.espalier.sweep.lifecycle.Decider;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Folds streams of one kind. Remembers the latest state of the streams in use, and reads from the
 * table only what came after it; events never change, so that what is remembered never is wrong.
 */
final class Histories<S, C, E, M extends Message> {

  private static final int REMEMBERED = 20_000;

  /** A stream's state at a version. */
  record History<S>(S state, long version) {}

  private final EventStore events;
  private final Decider<S, C, E> decider;
  private final Parser<M> parser;
  private final Function<M, Optional<E>> reader;

  private final Map<String, History<S>> latest =
      new LinkedHashMap<>(256, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, History<S>> eldest) {
          return size() > REMEMBERED;
        }
      };

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
    History<S> known;
    synchronized (latest) {
      known = latest.get(stream);
    }
    if (known == null) {
      known = new History<>(decider.initial(), 0);
    }
    List<StoredEvent> news = events.loadAfter(connection, stream, known.version());
    if (news.isEmpty()) {
      return known;
    }
    History<S> now = fold(known, news, Long.MAX_VALUE);
    synchronized (latest) {
      History<S> other = latest.get(stream);
      if (other == null || other.version() < now.version()) {
        latest.put(stream, now);
      }
    }
    return now;
  }

  /** The stream as it was at a version. */
  S at(Connection connection, String stream, long version) throws SQLException {
    synchronized (latest) {
      History<S> known = latest.get(stream);
      if (known != null && known.version() == version) {
        return known.state();
      }
    }
    return fold(new History<>(decider.initial(), 0), events.load(connection, stream), version)
        .state();
  }

  private History<S> fold(History<S> from, List<StoredEvent> news, long until) {
    S state = from.state();
    long version = from.version();
    for (StoredEvent event : news) {
      if (event.version() > until) {
        break;
      }
      state = decider.evolve(state, read(event));
      version = event.version();
    }
    return new History<>(state, version);
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
