package dev.espalier.pruning.tensor;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;

/**
 * Asks NVIDIA's libraries to compute float32 as float32. By default PyTorch lets cuDNN round the
 * inputs of a convolution to TF32, which has 10 bits of mantissa: the patch embedding would be
 * right to three digits only, and a cut model need not equal its mask.
 */
final class CudaNumerics {

  private static final String TF32 = "NVIDIA_TF32_OVERRIDE";

  private CudaNumerics() {}

  /** The part of the C library that is asked. */
  interface Environment extends Library {
    /** 0 on success. */
    int setenv(String name, String value, int overwrite);
  }

  /**
   * Sets the variable that cuBLAS and cuDNN read at their start, unless it is set already; to be
   * called before they are loaded.
   */
  static void exact() {
    if (Platform.isLinux()) {
      Native.load("c", Environment.class).setenv(TF32, "0", 0);
    }
  }
}
