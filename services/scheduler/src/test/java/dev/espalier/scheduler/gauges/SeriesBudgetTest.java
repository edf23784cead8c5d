package dev.espalier.scheduler.gauges;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.eventstore.Transactions;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a scheduler tells Prometheus does not grow with the trials that it has seen. */
class SeriesBudgetTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final int WORKERS = 4;
  private static final int TRIALS = 100;
  private static final int BUDGET = 2000;

  /** Ours, and what the histograms add. */
  private static final Set<String> LABELS =
      Set.of(
          "method",
          "stage",
          "outcome",
          "reason",
          "pool",
          "device",
          "topic",
          "result",
          "le",
          "quantile");

  private static final Pattern LABEL = Pattern.compile("[{,]([a-z_]+)=\"");

  private final TestPlatform platform = TestPlatform.shared();
  private final PrometheusMeterRegistry metrics =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

  @Test
  void aHundredTrialsStayWithinTheBudget() throws Exception {
    String label = "series";
    List<FakeWorker> workers = new ArrayList<>();
    for (int i = 0; i < WORKERS; i++) {
      workers.add(platform.worker(label).slots(4).build().start());
    }
    try (SchedulerRuntime scheduler = platform.scheduler(metrics)) {
      String first = platform.submit(scheduler.sweeps(), label, 1);
      platform.awaitState(first, "COMPLETED");
      int afterOne = series(first);

      String sweep = platform.submit(scheduler.sweeps(), label, TRIALS);
      platform.awaitState(sweep, "COMPLETED", Duration.ofMinutes(4));

      assertThat(platform.count("select succeeded from sweep where sweep_id = ?", sweep))
          .isEqualTo(TRIALS);
      int afterAll = series(sweep);
      System.out.printf("series: %d after 1 trial, %d after %d%n", afterOne, afterAll, TRIALS + 1);
      assertThat(afterAll).isBetween(20, BUDGET);
      assertThat(afterAll - afterOne).as("series that a trial adds").isLessThan(TRIALS / 2);
    } finally {
      workers.forEach(FakeWorker::close);
    }
  }

  /** How many there are; none has a label beyond the few, or names the sweep or a worker. */
  private int series(String sweep) throws Exception {
    new PlatformGauges(new Transactions(platform.dataSource()), metrics).read();
    List<String> lines =
        metrics.scrape().lines().filter(line -> !line.startsWith("#") && !line.isBlank()).toList();
    assertThat(lines).noneMatch(line -> line.contains(sweep) || line.contains("host-"));
    for (String line : lines) {
      Set<String> labels = new TreeSet<>();
      Matcher label = LABEL.matcher(line);
      while (label.find()) {
        labels.add(label.group(1));
      }
      assertThat(LABELS).as(line).containsAll(labels);
    }
    return lines.size();
  }
}
