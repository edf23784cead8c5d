package dev.espalier.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The images run as a container engine would run them, as their user and with nothing of the
 * machine beneath them, against a real broker and a real PostgreSQL. There is no engine here.
 */
class RunningImagesTest {

  private static final Set<String> WORKERS = Set.of("trainer", "redistributor", "evaluator");

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  @TempDir private Path directory;

  private final List<RunningImage> running = new ArrayList<>();

  @AfterEach
  void stopImages() {
    running.forEach(RunningImage::close);
  }

  @Test
  void theFourServicesBecomeReadyAndFindEachOther() throws Exception {
    assumeTrue(System.getProperty("user.name").equals("root"), "chroot needs root");
    assumeTrue(ImageTar.all().size() == 4, "needs all images, but only some were asked for");

    String jdbcUrl = POSTGRES.newDatabase().jdbcUrl();
    RunningImage scheduler = start(new ImageTar("scheduler"), jdbcUrl);
    scheduler.awaitReady();
    for (String worker : WORKERS) {
      start(new ImageTar(worker), jdbcUrl);
    }
    for (RunningImage image : running) {
      image.awaitReady();
    }

    Eventually.within(
        Duration.ofSeconds(30),
        () -> assertThat(services(scheduler)).isEqualTo(new TreeSet<>(WORKERS)));
  }

  private static Set<String> services(RunningImage scheduler) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(scheduler.address() + "/api/v1/workers")).build();
    Set<String> services = new TreeSet<>();
    new ObjectMapper()
        .readTree(HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body())
        .forEach(worker -> services.add(worker.path("service").asText()));
    return services;
  }

  private RunningImage start(ImageTar image, String jdbcUrl) throws Exception {
    RunningImage started =
        new RunningImage(
            image, directory.resolve(image.service()), KAFKA.bootstrapServers(), jdbcUrl);
    running.add(started);
    return started;
  }
}
