package dev.espalier.messaging.worker;

import dev.espalier.schemas.Topics;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.utils.Utils;

/** The partition of {@code stage.commands.v1} that a worker reads. */
public final class WorkerPartition {

  private WorkerPartition() {}

  public static int of(String workerId) {
    return Math.floorMod(
        Utils.murmur2(workerId.getBytes(StandardCharsets.UTF_8)), Topics.STAGE_COMMAND_PARTITIONS);
  }
}
