package dev.espalier.pruning.tensor;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

/**
 * Copies of arrays on the host. Asked for the values of an array on a GPU, the library makes a copy
 * in host memory that lives as long as the array's manager, so that what is read again and again
 * from a model would pile up; here the copy goes at once.
 */
public final class HostArrays {

  private HostArrays() {}

  /**
   * Numbers that a program reads one by one: on a GPU each would have to be waited for.
   *
   * @return float64, in host memory, gone with {@code owner}
   */
  public static NDArray numbers(NDManager owner, double... numbers) {
    try (NDManager host = owner.newSubManager(Device.cpu())) {
      NDArray array = host.create(numbers);
      array.attach(owner);
      return array;
    }
  }

  /** The values of a float32 array on any device, row-major. */
  public static float[] floats(NDArray array) {
    try (NDManager scratch = array.getManager().newSubManager()) {
      NDArray host = array.toDevice(Device.cpu(), false);
      if (host != array) {
        host.attach(scratch);
      }
      return host.toFloatArray();
    }
  }
}
