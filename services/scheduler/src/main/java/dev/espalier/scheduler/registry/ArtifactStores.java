package dev.espalier.scheduler.registry;

import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.artifacts.store.DirectoryArtifactStore;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Opens the store that the workers share. */
final class ArtifactStores {

  /**
   * @param directory root of the store, the same for all services of an installation
   */
  @Produces
  @Singleton
  ArtifactStore store(@ConfigProperty(name = "espalier.store") Path directory) {
    return new DirectoryArtifactStore(directory);
  }
}
