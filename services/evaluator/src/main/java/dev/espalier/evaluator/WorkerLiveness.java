package dev.espalier.evaluator;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/** Alive while the worker's threads run; an absent broker is no reason to restart it. */
@Liveness
@ApplicationScoped
public class WorkerLiveness implements HealthCheck {

  private final Worker worker;

  @Inject
  public WorkerLiveness(Worker worker) {
    this.worker = worker;
  }

  @Override
  public HealthCheckResponse call() {
    return HealthCheckResponse.named("worker").status(worker.health().alive()).build();
  }
}
