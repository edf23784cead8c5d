package dev.espalier.schemas;

import java.util.List;

/**
 * The topics through which the services meet. Keys, writers and readers are listed in {@code
 * schemas/README.md}.
 */
public final class Topics {

  public static final String SWEEP_COMMANDS = "sweep.commands.v1";
  public static final String STAGE_COMMANDS = "stage.commands.v1";
  public static final String STAGE_REPORTS = "stage.reports.v1";
  public static final String STAGE_METRICS = "stage.metrics.v1";
  public static final String WORKER_EVENTS = "worker.events.v1";
  public static final String SWEEP_EVENTS = "sweep.events.v1";
  public static final String TRIAL_EVENTS = "trial.events.v1";
  public static final String STAGE_EVENTS = "stage.events.v1";

  /**
   * Partitions of {@link #STAGE_COMMANDS}: a worker reads the one its id hashes to. Never grown.
   */
  public static final int STAGE_COMMAND_PARTITIONS = 64;

  /** Topics that carry records; each has a dead-letter topic beside it. */
  public static final List<String> ALL =
      List.of(
          SWEEP_COMMANDS,
          STAGE_COMMANDS,
          STAGE_REPORTS,
          STAGE_METRICS,
          WORKER_EVENTS,
          SWEEP_EVENTS,
          TRIAL_EVENTS,
          STAGE_EVENTS);

  private Topics() {}

  /** Where consumers of {@code topic} park records that they cannot read. */
  public static String deadLetters(String topic) {
    return topic + ".dlq";
  }
}
