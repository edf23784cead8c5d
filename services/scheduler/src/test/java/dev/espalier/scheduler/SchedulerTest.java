package dev.espalier.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class SchedulerTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private final TestPlatform platform = TestPlatform.shared();

  @Test
  void completesASmallSweep() throws Exception {
    String label = "happy";
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(label).build().start()) {
      String sweep = platform.submit(scheduler.sweeps(), label, 3);

      platform.awaitState(sweep, "COMPLETED");

      assertThat(platform.count("select succeeded from sweep where sweep_id = ?", sweep))
          .isEqualTo(3);
      assertThat(
              platform.column(
                  "select state from trial where sweep_id = ? order by trial_id", sweep))
          .containsExactly("SUCCEEDED", "SUCCEEDED", "SUCCEEDED");
      assertThat(
              platform.count(
                  "select count(*) from stage where algorithm = ? and kind = 'SEARCH'", label))
          .as("three trials share one search")
          .isEqualTo(1);
      assertThat(
              platform.count(
                  "select count(*) from trial_measurement where trial_id like ?", sweep + "%"))
          .isEqualTo(3);
      assertThat(platform.count("select count(*) from lease")).isZero();
    }
  }
}
