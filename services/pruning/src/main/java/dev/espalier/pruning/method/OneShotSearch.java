package dev.espalier.pruning.method;

import dev.espalier.architecture.importance.Importance;
import java.util.Optional;
import java.util.function.Supplier;

/** A search that is done in one step and needs no data. */
public final class OneShotSearch implements Search {

  private final Supplier<Importance> scoring;
  private Importance found;

  public OneShotSearch(Supplier<Importance> scoring) {
    this.scoring = scoring;
  }

  @Override
  public boolean finished() {
    return found != null;
  }

  @Override
  public void step() {
    found = scoring.get();
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
    return new Result(found, Optional.empty(), Optional.empty());
  }

  @Override
  public void close() {}
}
