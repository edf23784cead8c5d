package dev.espalier.messaging.worker;

import dev.espalier.schemas.stage.v1.StageKind;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What a worker says about itself.
 *
 * @param service "trainer", "redistributor" or "evaluator"
 * @param slots stages that run at once
 * @param deviceKind "cpu" or "cuda"
 * @param device name of the device, for people and latency tables
 * @param host name of the machine; an evaluation runs alone on its host
 * @param heartbeatInterval time between heartbeats
 * @param drainLimit longest a stop may take before work is given back unfinished
 */
public record WorkerSettings(
    String service,
    List<Algorithm> algorithms,
    int slots,
    String deviceKind,
    String device,
    String host,
    Map<String, String> labels,
    String engineVersion,
    String softwareVersion,
    Duration heartbeatInterval,
    Duration drainLimit) {

  public WorkerSettings {
    algorithms = List.copyOf(algorithms);
    labels = Map.copyOf(labels);
    if (slots < 1) {
      throw new IllegalArgumentException("slots must be at least 1 but are " + slots);
    }
  }

  /** A kind of stage the worker can run, as {@code name@version}. */
  public record Algorithm(StageKind kind, String name, int version) {}
}
