package dev.espalier.pruning.method;

import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.weights.VitWeights;
import java.util.Optional;

/**
 * A search in progress, one batch at a time. A search opened from a {@link #checkpoint} goes on to
 * bit-equal results.
 */
public interface Search extends AutoCloseable {

  /** Whether nothing is left to do. */
  boolean finished();

  /** One batch. */
  void step();

  /** Batches so far, counted from the start of this search, over all its attempts. */
  long steps();

  /** Share of the work that is done, in [0, 1]; a guess where the end depends on what is found. */
  double progress();

  /** All that is needed to go on from here in another process. */
  byte[] checkpoint();

  /** What was found; only once finished. */
  Result result();

  @Override
  void close();

  /**
   * What a search found.
   *
   * @param importance of every unit
   * @param findings what the plan needs beside the importance, and for a chained method where the
   *     next link goes on; the method's own format, empty for methods without
   * @param weights full-size, in the base's shape: trained where units live, the base's where they
   *     are out, so that any later plan can be cut from them; empty where a search leaves weights
   *     alone
   */
  record Result(Importance importance, Optional<byte[]> findings, Optional<VitWeights> weights) {}
}
