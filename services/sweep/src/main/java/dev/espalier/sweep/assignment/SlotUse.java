package dev.espalier.sweep.assignment;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * Slot-seconds that each team has used, where use counts half after each half-life: a team that was
 * idle catches up for a while, and not for ever. Time is exact: a slot held from a to b counts the
 * integral of {@code 2^(-(now - t) / halfLife)} over it.
 */
public final class SlotUse {

  private record Amount(double slotSeconds, Instant at) {}

  private final double halfLifeSeconds;
  private final Map<String, Amount> ended = new HashMap<>();

  public SlotUse(Duration halfLife) {
    if (halfLife.isNegative() || halfLife.isZero()) {
      throw new IllegalArgumentException("half-life: expected above 0 but found " + halfLife);
    }
    this.halfLifeSeconds = halfLife.toNanos() / 1e9;
  }

  /** A slot was the team's from one instant to another. */
  public void add(String team, Instant from, Instant to) {
    Amount more = new Amount(whole(from, to), to);
    ended.merge(team, more, this::sum);
  }

  /** What counts at this instant of the slots that were given back. */
  public double of(String team, Instant now) {
    Amount amount = ended.get(team);
    return amount == null ? 0 : amount.slotSeconds() * decay(amount.at(), now);
  }

  /** What a slot counts that is still held. */
  public double running(Instant since, Instant now) {
    return whole(since, now);
  }

  private Amount sum(Amount one, Amount other) {
    Instant at = one.at().isAfter(other.at()) ? one.at() : other.at();
    return new Amount(
        one.slotSeconds() * decay(one.at(), at) + other.slotSeconds() * decay(other.at(), at), at);
  }

  private double whole(Instant from, Instant to) {
    return halfLifeSeconds / Math.log(2) * (1 - decay(from, to));
  }

  /** In (0, 1]; a clock that went back decays nothing. */
  private double decay(Instant from, Instant to) {
    double seconds = Math.max(0, Duration.between(from, to).toMillis() / 1e3);
    return Math.pow(2, -seconds / halfLifeSeconds);
  }
}
