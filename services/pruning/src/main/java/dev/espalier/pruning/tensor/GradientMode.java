package dev.espalier.pruning.tensor;

import ai.djl.pytorch.jni.JniUtils;

/**
 * Whether operations of this thread build a graph for the backward pass. The library keeps one flag
 * per thread, which starts as true in every thread but the one that loaded it: code that matters
 * sets it, and closing restores what was there.
 */
public final class GradientMode implements AutoCloseable {

  private final boolean before;

  private GradientMode(boolean recording) {
    before = JniUtils.isGradMode();
    JniUtils.setGradMode(recording);
  }

  /** From here to close, operations on arrays that require a gradient are recorded. */
  public static GradientMode recording() {
    return new GradientMode(true);
  }

  /** From here to close nothing is recorded; arrays may be changed in place. */
  public static GradientMode off() {
    return new GradientMode(false);
  }

  @Override
  public void close() {
    JniUtils.setGradMode(before);
  }
}
