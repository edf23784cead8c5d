package dev.espalier.scheduler.wiring;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** Settings of the scheduler, prefix {@code espalier}. */
@ConfigMapping(prefix = "espalier")
public interface SchedulerConfig {

  LeaseSection lease();

  CheckpointSection checkpoint();

  /** Longest time without headway, default 5 min; then an attempt ends as STALLED. */
  @WithDefault("5m")
  Duration stallTimeout();

  /**
   * Who migrates the database: apply (default, this process as it starts), await (another does, and
   * this one waits for it) or only (this process does, and ends).
   */
  @WithDefault("apply")
  Migrations migrations();

  RetrySection retry();

  AssignmentSection assignment();

  RetentionSection retention();

  /** What teams may have, by name: {@code espalier.teams.vision.weight=2}. */
  Map<String, TeamSection> teams();

  interface LeaseSection {

    /**
     * How long a lease lasts without renewal, default 12 s. A dead worker's stage starts elsewhere
     * after about this time; give four heartbeats at least, on a cluster 45 s.
     */
    @WithDefault("12s")
    Duration duration();
  }

  interface CheckpointSection {

    /** Time between two checkpoints of a stage, default 10 s: the most work that a loss costs. */
    @WithDefault("10s")
    Duration interval();
  }

  interface RetrySection {

    /** Attempts at a stage that fail for passing causes before it fails for good, default 3. */
    @WithDefault("3")
    int attempts();

    /** Workers that a stage may lose before it fails for good, default 5. */
    @WithDefault("5")
    int workerLosses();

    /** Pause before the second attempt, default 1 s; it doubles with each. */
    @WithDefault("1s")
    Duration firstBackOff();

    /** Upper bound of that pause, default 60 s. */
    @WithDefault("60s")
    Duration longestBackOff();
  }

  interface AssignmentSection {

    /**
     * How long a stage that must run alone waits before its host takes nothing new, default 15 s.
     * Longer keeps training going, shorter brings measurements sooner.
     */
    @WithDefault("15s")
    Duration aloneWait();

    /**
     * Waiting of a sweep without a new slot that is worth one point of priority, default 30 s. Ten
     * points double its share of its team's slots.
     */
    @WithDefault("30s")
    Duration ageing();

    /**
     * After which a slot-second that a team has used counts half, default 1 h. Longer makes shares
     * come out even over a longer time, and lets a team that was idle catch up for longer.
     */
    @WithDefault("1h")
    Duration useHalfLife();

    /**
     * How long a stage waits before a slot is taken, with a checkpoint, from one of the same team
     * whose priority is lower by ten, or of another where its own team holds nothing; default 2
     * min. Stages that have not run for so long are left alone.
     */
    @WithDefault("2m")
    Duration preemptAfter();
  }

  interface RetentionSection {

    /**
     * Days after the end of a sweep until the points of its training curves go, default 90. What
     * its epochs were evaluated to stays: reports and decisions rest on it.
     */
    @WithDefault("90")
    int metricsDays();

    /**
     * Days after the deletion of a sweep until its events go, and results that no other sweep has
     * claimed; default 7. At least as long as the broker keeps records.
     */
    @WithDefault("7")
    int deletedDays();
  }

  interface TeamSection {

    /** Share of slot-seconds against other teams' weights, above 0; default 1. */
    @WithDefault("1")
    double weight();

    /** Quota: most slots that the team's stages hold at a time, from 0; default no limit. */
    Optional<Integer> slots();

    /**
     * Slot time of all its attempts, in hours, after which its sweeps stop; default no limit. Raise
     * it to let the team go on.
     */
    Optional<Double> deviceHours();
  }
}
