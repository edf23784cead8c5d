package dev.espalier.scheduler.gauges;

import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.process.ProcessGauges;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.distribution.DistributionStatisticConfig;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.DoubleStream;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Puts the scheduler's gauges together and gives HTTP requests the buckets of their objective. */
final class GaugeBeans {

  private static final String HTTP = "http.server.requests";

  /** Seconds; 0.5 is the objective. */
  private static final double[] HTTP_BUCKETS = {0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};

  @Produces
  @Singleton
  PlatformGauges platform(Transactions transactions, MeterRegistry metrics) {
    return new PlatformGauges(transactions, metrics);
  }

  @Produces
  @Singleton
  ProcessGauges process(@ConfigProperty(name = "espalier.store") Path store) {
    return new ProcessGauges(store);
  }

  @Produces
  @Singleton
  MeterFilter httpBuckets() {
    return new MeterFilter() {
      @Override
      public DistributionStatisticConfig configure(
          Meter.Id id, DistributionStatisticConfig config) {
        if (!id.getName().equals(HTTP)) {
          return config;
        }
        double nanos = Duration.ofSeconds(1).toNanos();
        return DistributionStatisticConfig.builder()
            .serviceLevelObjectives(DoubleStream.of(HTTP_BUCKETS).map(s -> s * nanos).toArray())
            .build()
            .merge(config);
      }
    };
  }
}
