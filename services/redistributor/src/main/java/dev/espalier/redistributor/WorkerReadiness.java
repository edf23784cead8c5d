package dev.espalier.redistributor;

import dev.espalier.messaging.worker.WorkerHealth;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Ready while the worker is announced, takes work, and the broker answers. */
@Readiness
@ApplicationScoped
public class WorkerReadiness implements HealthCheck {

  private static final Duration SILENCE = Duration.ofSeconds(15);

  private final Worker worker;

  @Inject
  public WorkerReadiness(Worker worker) {
    this.worker = worker;
  }

  @Override
  public HealthCheckResponse call() {
    WorkerHealth health = worker.health();
    boolean reachable = health.joined() && health.sinceAcknowledged().compareTo(SILENCE) < 0;
    return HealthCheckResponse.named("worker")
        .status(health.alive() && reachable && !health.draining())
        .withData("worker", worker.id())
        .withData("joined", health.joined())
        .withData("draining", health.draining())
        .withData("running", health.running())
        .withData("brokerReachable", reachable)
        .build();
  }
}
