package dev.espalier.sweep.assignment;

/**
 * What a team may have.
 *
 * @param weight share of slot-seconds against other teams' weights, above 0
 * @param slots most slots at a time
 */
public record TeamShare(double weight, int slots) {

  /** Of a team that nothing was said about. */
  public static final TeamShare ORDINARY = new TeamShare(1, Integer.MAX_VALUE);

  public TeamShare {
    if (!(weight > 0) || Double.isInfinite(weight)) {
      throw new IllegalArgumentException("weight: expected a number above 0 but found " + weight);
    }
    if (slots < 0) {
      throw new IllegalArgumentException("slots: expected a number from 0 but found " + slots);
    }
  }
}
