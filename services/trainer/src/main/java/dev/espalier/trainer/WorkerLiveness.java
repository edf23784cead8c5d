package dev.espalier.trainer;

import dev.espalier.messaging.worker.WorkerHealth;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/**
 * Alive while the worker's threads run. An absent broker is no reason to restart it, neither before
 * nor after it has joined; a start that fails for good ends the process by itself.
 */
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
    WorkerHealth health = worker.health();
    boolean starting = !health.joined();
    return HealthCheckResponse.named("worker").status(starting || health.alive()).build();
  }
}
