package dev.espalier.scheduler.wiring;

import jakarta.inject.Singleton;
import java.util.List;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Ready while all loops run. That the database answers is Agroal's check. */
@Readiness
@Singleton
public class SchedulerReadiness implements HealthCheck {

  private final Startup startup;

  SchedulerReadiness(Startup startup) {
    this.startup = startup;
  }

  @Override
  public HealthCheckResponse call() {
    List<String> troubles = startup.troubles();
    var response = HealthCheckResponse.named("scheduler").status(troubles.isEmpty());
    if (!troubles.isEmpty()) {
      response.withData("troubles", String.join("; ", troubles));
    }
    return response.build();
  }
}
