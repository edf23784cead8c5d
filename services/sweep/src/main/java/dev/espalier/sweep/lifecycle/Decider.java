package dev.espalier.sweep.lifecycle;

import java.time.Instant;
import java.util.List;

/**
 * Decides what happens in one stream. Pure: the same events and command give the same answer.
 *
 * @param <S> state
 * @param <C> commands
 * @param <E> events
 */
public interface Decider<S, C, E> {

  /** The state of a stream without events. */
  S initial();

  /** What follows from a command; nothing if it changes nothing, for instance a repeat. */
  List<E> decide(S state, C command, Instant now);

  S evolve(S state, E event);

  default S fold(S state, Iterable<E> events) {
    for (E event : events) {
      state = evolve(state, event);
    }
    return state;
  }
}
