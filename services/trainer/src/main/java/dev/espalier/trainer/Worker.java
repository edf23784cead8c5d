package dev.espalier.trainer;

import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.artifacts.store.ArtifactStores;
import dev.espalier.datasets.RecentDatasets;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.process.ProcessGauges;
import dev.espalier.messaging.worker.WorkerHealth;
import dev.espalier.messaging.worker.WorkerRuntime;
import dev.espalier.messaging.worker.WorkerSettings;
import dev.espalier.pruning.evaluation.DeviceName;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.trainer.stage.TrainerStages;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Quarkus;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import org.eclipse.microprofile.config.Config;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wires the worker of this process. It starts beside the HTTP server, so that health says "not
 * ready" while the broker is still away; what keeps it from ever starting ends the process.
 */
@ApplicationScoped
public class Worker {

  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);
  private static final WorkerHealth STARTING =
      new WorkerHealth(true, false, false, 0, Duration.ofDays(1));

  private final TrainerConfig config;
  private final Config properties;
  private final MeterRegistry metrics;
  private volatile WorkerRuntime runtime;

  @Inject
  public Worker(TrainerConfig config, Config properties, MeterRegistry metrics) {
    this.config = config;
    this.properties = properties;
    this.metrics = metrics;
  }

  void start() {
    Thread starter =
        new Thread(
            () -> {
              try {
                WorkerRuntime created = create();
                runtime = created;
                created.start();
              } catch (RuntimeException | LinkageError e) {
                LOG.error("the worker cannot start", e);
                Quarkus.asyncExit(1);
              }
            },
            "worker-start");
    starter.setDaemon(true);
    starter.start();
  }

  private WorkerRuntime create() {
    new ProcessGauges(config.store()).bindTo(metrics);
    EngineSettings engine =
        new EngineSettings(
            config.worker().device(), config.worker().threads(), config.engine().cache());
    WorkerSettings settings =
        new WorkerSettings(
            "trainer",
            TrainerStages.algorithms(),
            config.worker().slots(),
            config.worker().device().equals("cpu") ? "cpu" : "cuda",
            DeviceName.of(config.worker().device()),
            host(),
            config.worker().labels(),
            engineVersion(engine),
            softwareVersion(),
            config.heartbeat().interval(),
            config.drain().limit());
    return new WorkerRuntime(
            settings, kafka(), new TrainerStages(store(), datasets(), engine), metrics)
        .whenStuck(() -> Quarkus.asyncExit(1));
  }

  /** The directory, or the bucket of the settings under {@code s3.} behind a cache. */
  private ArtifactStore store() {
    return ArtifactStores.cached(
        config.store(),
        name -> properties.getOptionalValue(name, String.class),
        config.cache().diskBytes(),
        read ->
            metrics.counter("espalier.artifact.cache.reads", "result", read.label()).increment());
  }

  private RecentDatasets datasets() {
    return new RecentDatasets(
        config.cache().datasetBytes(),
        found ->
            metrics
                .counter("espalier.dataset.cache.reads", "result", found ? "hit" : "miss")
                .increment());
  }

  /** Drains; returns when what ran is saved and given back. */
  void close() {
    WorkerRuntime running = runtime;
    if (running != null) {
      running.close();
    }
  }

  String id() {
    WorkerRuntime running = runtime;
    return running == null ? "starting" : running.workerId();
  }

  WorkerHealth health() {
    WorkerRuntime running = runtime;
    return running == null ? STARTING : running.health();
  }

  /** All settings under {@code kafka.} reach the client, for instance SASL and TLS. */
  private KafkaSettings kafka() {
    return KafkaSettings.read(
        properties.getPropertyNames(), name -> properties.getOptionalValue(name, String.class));
  }

  private String host() {
    return config
        .worker()
        .host()
        .orElseGet(
            () -> {
              try {
                return InetAddress.getLocalHost().getHostName();
              } catch (UnknownHostException nameless) {
                return "localhost";
              }
            });
  }

  /** The number alone, as the numerics of a stage have it: "2.7.1". */
  private static String engineVersion(EngineSettings engine) {
    String version = TensorEngine.start(engine).version();
    return version.substring(version.lastIndexOf('-') + 1);
  }

  private String softwareVersion() {
    return properties.getOptionalValue("quarkus.application.version", String.class).orElse("dev");
  }
}
