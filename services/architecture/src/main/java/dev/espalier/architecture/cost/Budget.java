package dev.espalier.architecture.cost;

import dev.espalier.architecture.vit.VitArchitecture;

/** What a compression target counts, for any shape of a model: parameters, MACs, or time. */
public interface Budget {

  /** What is counted. */
  TargetKind kind();

  /** The count for a model: parameters, multiply-accumulates of one image, or nanoseconds. */
  long of(VitArchitecture vit);

  /** Share of {@code base} that a model costs. */
  default double keepRatio(VitArchitecture vit, VitArchitecture base) {
    return (double) of(vit) / of(base);
  }

  /**
   * A budget that follows from shapes alone.
   *
   * @throws IllegalArgumentException for latency, which only a measured table knows
   */
  static Budget of(TargetKind kind) {
    if (!TargetKind.COUNTED.contains(kind)) {
      throw new IllegalArgumentException(
          "a target of %s needs a table of measured latencies but there is none"
              .formatted(kind.text()));
    }
    return new Budget() {
      @Override
      public TargetKind kind() {
        return kind;
      }

      @Override
      public long of(VitArchitecture vit) {
        return Cost.of(vit).of(kind);
      }
    };
  }
}
