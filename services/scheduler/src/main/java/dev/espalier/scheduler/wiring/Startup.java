package dev.espalier.scheduler.wiring;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.topics.TopicAdmin;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts the loops once database and broker are there. It does so beside the HTTP server, so that
 * health can say "not ready" meanwhile.
 */
@Singleton
public class Startup {

  private static final Logger LOG = LoggerFactory.getLogger(Startup.class);
  private static final Duration PAUSE = Duration.ofMillis(500);
  private static final Duration BROKER_ANSWER = Duration.ofSeconds(10);

  private final Migrations migrations;
  private final Flyway flyway;
  private final KafkaSettings kafka;
  private final SchedulerRuntime runtime;
  private final Instance<SchedulerPart> parts;
  private final List<SchedulerPart> running = new ArrayList<>();
  private final Thread starter = new Thread(this::bringUp, "scheduler-start");
  private volatile boolean stopping;
  private volatile String waitingFor = "start";

  Startup(
      SchedulerConfig config,
      Flyway flyway,
      KafkaSettings kafka,
      SchedulerRuntime runtime,
      Instance<SchedulerPart> parts) {
    this.migrations = config.migrations();
    this.flyway = flyway;
    this.kafka = kafka;
    this.runtime = runtime;
    this.parts = parts;
  }

  void onStart(@Observes StartupEvent event) {
    starter.start();
  }

  private void bringUp() {
    try {
      waitingFor = "database";
      retry(() -> migrations.bring(flyway));
      if (migrations == Migrations.ONLY) {
        LOG.info("the database is migrated");
        Quarkus.asyncExit(0);
        return;
      }
      waitingFor = "broker";
      retry(() -> TopicAdmin.createAll(kafka, BROKER_ANSWER));
      if (stopping) {
        return;
      }
      runtime.start();
      for (SchedulerPart part : parts) {
        part.start();
        running.add(part);
      }
      waitingFor = "";
      LOG.info("the scheduler runs");
    } catch (RuntimeException e) {
      LOG.error("the scheduler cannot start", e);
      Quarkus.asyncExit(1);
    }
  }

  private void retry(Runnable step) {
    while (!stopping) {
      try {
        step.run();
        return;
      } catch (FlywayException | IllegalStateException e) {
        if (!Migrations.mayPass(e)) {
          throw e;
        }
        LOG.info("waits for the {}: {}", waitingFor, firstLine(e));
      }
      try {
        Thread.sleep(PAUSE.toMillis());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private static String firstLine(RuntimeException e) {
    return String.valueOf(e.getMessage()).strip().lines().findFirst().orElse("");
  }

  /** What the process still waits for, or what went wrong; empty if all is well. */
  List<String> troubles() {
    if (!waitingFor.isEmpty()) {
      return List.of("waits for " + waitingFor);
    }
    List<String> troubles = new ArrayList<>(runtime.troubles());
    running.forEach(part -> troubles.addAll(part.troubles()));
    return troubles;
  }

  boolean started() {
    return waitingFor.isEmpty();
  }

  void onStop(@Observes ShutdownEvent event) throws InterruptedException {
    stopping = true;
    starter.interrupt();
    starter.join(Duration.ofSeconds(10).toMillis());
    if (started()) {
      running.forEach(SchedulerPart::close);
      runtime.close();
    }
  }
}
