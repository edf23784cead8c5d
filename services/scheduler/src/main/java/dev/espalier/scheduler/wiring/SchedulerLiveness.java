package dev.espalier.scheduler.wiring;

import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/**
 * Alive as long as the process answers. What waits for database or broker is not dead, and
 * restarting does not help who does not know a newer version's events.
 */
@Liveness
@Singleton
public class SchedulerLiveness implements HealthCheck {

  @Override
  public HealthCheckResponse call() {
    return HealthCheckResponse.up("scheduler");
  }
}
