package dev.espalier.messaging.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessGaugesTest {

  @TempDir Path directory;

  @Test
  void tellsTheRoomOfAStoreThatIsNotMadeYet() {
    SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    new ProcessGauges(directory.resolve("not/made/yet")).bindTo(metrics);

    double free = metrics.get("espalier.store.free").gauge().value();
    assertThat(free).isPositive();
    assertThat(metrics.get("espalier.store.size").gauge().value()).isGreaterThanOrEqualTo(free);
  }

  @Test
  void theResidentMemoryHoldsTheHeapInUse() {
    SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    new ProcessGauges(directory).bindTo(metrics);
    var gauge = metrics.find("espalier.process.resident").gauge();
    org.junit.jupiter.api.Assumptions.assumeTrue(gauge != null, "no /proc here");

    assertThat(gauge.value()).isBetween(10e6, 100e9);
  }
}
