package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.sweep.assignment.Capability;
import dev.espalier.sweep.assignment.Worker;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The workers that a running scheduler knows, as far as a plan asks for them. */
final class LiveWorkers {

  private LiveWorkers() {}

  /** Empty where the scheduler does not tell. */
  static Optional<List<Worker>> of(Scheduler scheduler) {
    return scheduler.find("/workers").map(LiveWorkers::read);
  }

  private static List<Worker> read(JsonNode tree) {
    List<Worker> workers = new ArrayList<>();
    for (JsonNode worker : tree) {
      Set<Capability> capabilities = new HashSet<>();
      for (JsonNode able : worker.path("capabilities")) {
        capabilities.add(
            new Capability(
                able.path("kind").asText(),
                able.path("algorithm").asText(),
                able.path("version").asInt()));
      }
      Map<String, String> labels = new TreeMap<>();
      worker
          .path("labels")
          .fields()
          .forEachRemaining(label -> labels.put(label.getKey(), label.getValue().asText()));
      workers.add(
          new Worker(
              worker.path("id").asText(),
              worker.path("host").asText(),
              worker.path("deviceKind").asText(),
              capabilities,
              worker.path("slots").asInt(),
              0,
              labels));
    }
    return workers;
  }
}
