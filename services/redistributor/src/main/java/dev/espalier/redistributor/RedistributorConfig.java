package dev.espalier.redistributor;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** Settings of the redistributor, prefix {@code espalier}. */
@ConfigMapping(prefix = "espalier")
public interface RedistributorConfig {

  /**
   * Directory of the artifact store; every service of an installation sees the same one. Where
   * {@code s3.bucket} is set, artifacts live in that bucket, and this directory holds files under
   * way and those that {@code cache.disk-bytes} keeps.
   */
  Path store();

  Cache cache();

  WorkerSection worker();

  Heartbeat heartbeat();

  Drain drain();

  interface WorkerSection {

    /** Stages that run at once, default 2: they take milliseconds and no engine. */
    @WithDefault("2")
    int slots();

    /**
     * Name of the machine, default its host name. An evaluation runs alone on its host, so two
     * workers on one machine must give one name.
     */
    Optional<String> host();

    /** Labels for placement, default none. */
    Map<String, String> labels();
  }

  interface Cache {

    /**
     * Most bytes of artifacts from a bucket that are kept in {@code <store>/cache}, default 10 GiB;
     * 0 keeps none. Processes that share the directory should be given the same. Without a bucket
     * nothing is copied.
     */
    @WithDefault("10737418240")
    long diskBytes();
  }

  interface Heartbeat {

    /** Time between heartbeats, default 3 s; keep it below a third of the scheduler's lease. */
    @WithDefault("3s")
    Duration interval();
  }

  interface Drain {

    /**
     * Longest that a stop waits for running stages to save what they have, default 20 s; then they
     * are given back as they are.
     */
    @WithDefault("20s")
    Duration limit();
  }
}
