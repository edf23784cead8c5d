package dev.espalier.sweep.assignment;

/**
 * What a team may have.
 *
 * @param weight share of slot-seconds against other teams' weights, above 0
 * @param slots most slots at a time
 * @param deviceHours after which nothing of its sweeps starts any more
 */
public record TeamShare(double weight, int slots, double deviceHours) {

  /** Of a team that nothing was said about. */
  public static final TeamShare ORDINARY =
      new TeamShare(1, Integer.MAX_VALUE, Double.POSITIVE_INFINITY);

  public TeamShare(double weight, int slots) {
    this(weight, slots, Double.POSITIVE_INFINITY);
  }

  public TeamShare {
    if (!(weight > 0) || Double.isInfinite(weight)) {
      throw new IllegalArgumentException("weight: expected a number above 0 but found " + weight);
    }
    if (slots < 0) {
      throw new IllegalArgumentException("slots: expected a number from 0 but found " + slots);
    }
    if (!(deviceHours >= 0)) {
      throw new IllegalArgumentException(
          "device-hours: expected a number from 0 but found " + deviceHours);
    }
  }
}
