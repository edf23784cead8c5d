package dev.espalier.pruning.evaluation;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.FloatByReference;
import com.sun.jna.ptr.PointerByReference;

/** Times what a device does: a GPU by its own events, a processor by the wall clock. */
interface DeviceClock {

  /** Milliseconds that the device takes for what {@code work} asks of it. */
  double milliseconds(Runnable work);

  static DeviceClock of(boolean gpu) {
    return gpu ? new Events(Native.load("cudart", Runtime.class)) : DeviceClock::byTheWall;
  }

  private static double byTheWall(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e6;
  }

  /** The part of the CUDA runtime that is asked; all return 0 on success. */
  interface Runtime extends Library {
    int cudaEventCreate(PointerByReference event);

    int cudaEventRecord(Pointer event, Pointer stream);

    int cudaEventSynchronize(Pointer event);

    int cudaEventElapsedTime(FloatByReference milliseconds, Pointer from, Pointer to);
  }

  /** Events on the default stream, on which the library works. */
  record Events(Runtime cuda) implements DeviceClock {

    @Override
    public double milliseconds(Runnable work) {
      Pointer from = record();
      work.run();
      Pointer to = record();
      check(cuda.cudaEventSynchronize(to));
      FloatByReference elapsed = new FloatByReference();
      check(cuda.cudaEventElapsedTime(elapsed, from, to));
      return elapsed.getValue();
    }

    private Pointer record() {
      PointerByReference event = new PointerByReference();
      check(cuda.cudaEventCreate(event));
      check(cuda.cudaEventRecord(event.getValue(), null));
      return event.getValue();
    }

    private static void check(int code) {
      if (code != 0) {
        throw new IllegalStateException("CUDA answered " + code);
      }
    }
  }
}
