package dev.espalier.trainer;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** Settings of the trainer, prefix {@code espalier}. */
@ConfigMapping(prefix = "espalier")
public interface TrainerConfig {

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

  Engine engine();

  interface WorkerSection {

    /** Stages that run at once, default 1; more parallelism is more processes. */
    @WithDefault("1")
    int slots();

    /**
     * Threads of one tensor operation, default 1. Part of a stage's identity, because results are
     * bit-equal only between runs of equal threads; a recipe that asks for another number wins for
     * its stage.
     */
    @WithDefault("1")
    int threads();

    /** What tensors are computed on: "cpu", "gpu0", "gpu1", ... */
    @WithDefault("cpu")
    String device();

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

    /**
     * Most bytes of parsed images and labels that are kept in memory for the next stage on the same
     * dataset, default 256 MiB (CIFAR-10 has 176); 0 keeps none. They go before memory runs out.
     */
    @WithDefault("268435456")
    long datasetBytes();
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

  interface Engine {

    /**
     * Directory in which the tensor engine unpacks its native library, about 450 MB, shared by the
     * processes of a user. Default: the engine's own, below the home directory.
     */
    Optional<Path> cache();
  }
}
