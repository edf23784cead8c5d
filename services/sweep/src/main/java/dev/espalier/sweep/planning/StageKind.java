package dev.espalier.sweep.planning;

import java.util.Locale;

/** What a stage does. */
public enum StageKind {
  PRETRAIN,
  SEARCH,
  PRUNE,
  REDISTRIBUTE,
  FINETUNE,
  EVALUATE;

  /** The name in identities and JSON, for instance "search". */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
