package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import dev.espalier.pruning.tensor.HostArrays;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;

/** A loaded TorchScript module whose methods take arrays and lists of arrays. */
final class Program implements AutoCloseable {

  private final NDManager manager;
  private final PtSymbolBlock module;

  Program(NDManager manager, String methods) {
    this.manager = manager;
    try {
      module =
          JniUtils.loadModule(
              (PtNDManager) manager,
              new ByteArrayInputStream(TorchScriptArchive.of(methods)),
              true,
              false);
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot fail", e);
    }
  }

  /** Arguments of a call, in order. Results go to {@code owner}. */
  final class Call {
    private final NDList arguments = new NDList();
    private final NDArray head;

    private Call(String method, NDManager owner) {
      // The library takes the method's name from an array that is no argument, and the owner of
      // the results from the first array.
      head = HostArrays.numbers(owner, 0);
      head.setName("module_method:" + method);
      arguments.add(head);
    }

    Call with(NDArray array) {
      array.setName(null);
      arguments.add(array);
      return this;
    }

    /** A list argument; the name must differ from those of the call's other lists. */
    Call with(String name, Collection<NDArray> arrays) {
      for (NDArray array : arrays) {
        array.setName(name + "[]");
        arguments.add(array);
      }
      return this;
    }

    /** Runs it under this thread's gradient mode. */
    NDList run() {
      // Per thread. Unoptimised, the first calls compute the same bits as later ones, which
      // profiled and re-compiled programs do not promise.
      JniUtils.setGraphExecutorOptimize(false);
      NDList results = IValueUtils.forward(module, arguments, true);
      head.close();
      return results;
    }
  }

  Call call(String method, NDManager owner) {
    return new Call(method, owner);
  }

  @Override
  public void close() {
    module.close();
    manager.close();
  }
}
