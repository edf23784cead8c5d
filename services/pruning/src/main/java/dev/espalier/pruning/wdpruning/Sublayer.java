package dev.espalier.pruning.wdpruning;

import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.vit.BlockShape;

/** The four linear layers of a block whose output is masked ({@code methods/wdpruning.md} §1). */
enum Sublayer {
  /** Queries, keys and values: a unit is a head. */
  QKV(UnitKind.HEAD),
  /** The attention's projection: a unit is a residual channel that it writes. */
  PROJ(UnitKind.ATTENTION_OUTPUT),
  /** A unit is a hidden unit of the MLP. */
  FC1(UnitKind.MLP),
  /** A unit is a residual channel that the MLP writes. */
  FC2(UnitKind.MLP_OUTPUT);

  /** How many there are in a block. */
  static final int COUNT = values().length;

  private final UnitKind kind;

  Sublayer(UnitKind kind) {
    this.kind = kind;
  }

  UnitKind kind() {
    return kind;
  }

  /** Units of the layer, n, in a block of a model of width d. */
  int units(BlockShape block, int d) {
    return switch (this) {
      case QKV -> block.heads();
      case FC1 -> block.mlpHidden();
      case PROJ, FC2 -> d;
    };
  }
}
