package dev.espalier.scheduler.registry;

import dev.espalier.artifacts.store.ArtifactStore;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Opens the store that the workers share. */
final class ArtifactStores {

  /**
   * @param directory root of the store, the same for all services of an installation; with a bucket
   *     of the settings under {@code s3.} it holds files under way only
   */
  @Produces
  @Singleton
  ArtifactStore store(@ConfigProperty(name = "espalier.store") Path directory, Config settings) {
    return dev.espalier.artifacts.store.ArtifactStores.open(
        directory, name -> settings.getOptionalValue(name, String.class));
  }
}
