package dev.espalier.evaluator;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.runtime.annotations.QuarkusMain;
import jakarta.inject.Inject;
import sun.misc.Signal;

/**
 * Runs evaluate stages until told to stop. SIGTERM and SIGINT drain the worker and end with exit
 * code 0, as an asked-for stop is no failure; the JVM alone would answer 143.
 */
@QuarkusMain
public class EvaluatorMain implements QuarkusApplication {

  private final Worker worker;

  @Inject
  public EvaluatorMain(Worker worker) {
    this.worker = worker;
  }

  @Override
  public int run(String... arguments) {
    Signal.handle(new Signal("TERM"), signal -> Quarkus.asyncExit(0));
    Signal.handle(new Signal("INT"), signal -> Quarkus.asyncExit(0));
    worker.start();
    Quarkus.waitForExit();
    worker.close();
    return 0;
  }
}
