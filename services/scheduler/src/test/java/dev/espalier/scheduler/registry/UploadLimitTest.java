package dev.espalier.scheduler.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.files.FileLimits;
import dev.espalier.artifacts.store.DirectoryArtifactStore;
import dev.espalier.scheduler.api.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Properties;
import org.eclipse.microprofile.config.spi.Converter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploadLimitTest {

  @TempDir private Path directory;

  @Test
  void anAnnouncedUploadThatIsTooLongIsRefusedUnread() {
    ArtifactResource door = new ArtifactResource(new DirectoryArtifactStore(directory));
    InputStream unread =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw new IOException("nobody was to read this");
          }
        };

    assertThatThrownBy(() -> door.upload(FileLimits.UPLOAD_BYTES + 1, unread))
        .isInstanceOfSatisfying(
            Problem.class,
            problem -> {
              assertThat(problem.status()).isEqualTo(413);
              assertThat(problem.body().toString())
                  .contains("artifact", "at most 4294967296 bytes", "4294967297 bytes");
            });
  }

  /** Quarkus would refuse it before our door could say why. */
  @Test
  void theHttpServerTakesMoreThanAnyDoor() throws Exception {
    Properties properties = new Properties();
    try (InputStream file = getClass().getResourceAsStream("/application.properties")) {
      properties.load(file);
    }
    Converter<io.quarkus.runtime.configuration.MemorySize> sizes =
        new io.quarkus.runtime.configuration.MemorySizeConverter();
    long most =
        sizes.convert(properties.getProperty("quarkus.http.limits.max-body-size")).asLongValue();
    assertThat(most).isGreaterThan(16 * FileLimits.UPLOAD_BYTES);
  }
}
