package dev.espalier.pruning.tensor;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;

/**
 * Asks glibc to keep the memory it was given. A step allocates and frees the same few hundred
 * megabytes as the one before; by default most of it goes back to the kernel each time and returns
 * as page faults, which took about a tenth of a training step.
 */
final class NativeMemory {

  private static final int M_TRIM_THRESHOLD = -1;
  private static final int M_TOP_PAD = -2;
  private static final int M_MMAP_MAX = -4;
  private static final int M_ARENA_MAX = -8;
  private static final int GROWTH = 128 << 20;

  private NativeMemory() {}

  /** The part of the C library that is asked. */
  interface Glibc extends Library {
    /** 1 on success. */
    int mallopt(int parameter, int value);
  }

  /** Sets it up, on Linux with glibc; elsewhere, and where it fails, all stays as it was. */
  static void keep() {
    if (!Platform.isLinux()) {
      return;
    }
    try {
      Glibc glibc = Native.load("c", Glibc.class);
      glibc.mallopt(M_ARENA_MAX, 1);
      glibc.mallopt(M_MMAP_MAX, 0);
      glibc.mallopt(M_TRIM_THRESHOLD, Integer.MAX_VALUE);
      glibc.mallopt(M_TOP_PAD, GROWTH);
    } catch (UnsatisfiedLinkError e) {
      // Another C library: only speed is lost.
    }
  }
}
