package dev.espalier.scheduler.retention;

import dev.espalier.artifacts.store.ArtifactStore;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.InstantSource;
import javax.sql.DataSource;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Puts the collection of forgotten artifacts together. */
final class CollectionBeans {

  /**
   * @param grace how long a file stays that nobody writes, touches or refers to, twice: since it
   *     was written, and since it was first found so; default 24 h. Longer than any stage needs
   *     from writing a file to the acceptance of its report.
   */
  @Produces
  @Singleton
  ArtifactCollector collector(
      DataSource dataSource,
      ArtifactStore store,
      @ConfigProperty(name = "espalier.collection.grace", defaultValue = "24h") Duration grace) {
    return new ArtifactCollector(dataSource, store, grace, InstantSource.system());
  }

  /**
   * @param interval between two passes over the store, default 1 h
   */
  @Produces
  @Singleton
  CollectionJob job(
      ArtifactCollector collector,
      @ConfigProperty(name = "espalier.collection.interval", defaultValue = "1h")
          Duration interval) {
    return new CollectionJob(collector, interval);
  }
}
