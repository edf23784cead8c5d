package dev.espalier.pruning.method;

import dev.espalier.architecture.importance.Importance;
import java.util.Optional;
import java.util.function.Supplier;

/** A search that is done in one step and needs no data. */
public final class OneShotSearch implements Search {

  private final Supplier<Result> finding;
  private Result found;

  private OneShotSearch(Supplier<Result> finding, Result found) {
    this.finding = finding;
    this.found = found;
  }

  /** A search that only scores units. */
  public OneShotSearch(Supplier<Importance> scoring) {
    this(() -> new Result(scoring.get(), Optional.empty(), Optional.empty()), null);
  }

  /** A search that finds more than scores. */
  public static OneShotSearch finding(Supplier<Result> finding) {
    return new OneShotSearch(finding, null);
  }

  @Override
  public boolean finished() {
    return found != null;
  }

  @Override
  public void step() {
    found = finding.get();
  }

  @Override
  public long steps() {
    return finished() ? 1 : 0;
  }

  @Override
  public double progress() {
    return steps();
  }

  /** Nothing: the step is short and starts anew. */
  @Override
  public byte[] checkpoint() {
    return new byte[0];
  }

  @Override
  public Result result() {
    if (!finished()) {
      throw new IllegalStateException("the search is not finished");
    }
    return found;
  }

  @Override
  public void close() {}
}
