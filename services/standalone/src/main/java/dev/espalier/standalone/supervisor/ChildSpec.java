package dev.espalier.standalone.supervisor;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * One process to keep running.
 *
 * @param name unique, also names its log
 * @param port where it listens on loopback
 * @param command program and arguments
 * @param environment added to the supervisor's own, as {@link ChildEnvironment} passes that on
 * @param log gets standard output and error
 * @param readiness what tells that it serves
 * @param stopWithin from SIGTERM to SIGKILL
 */
record ChildSpec(
    String name,
    int port,
    List<String> command,
    Map<String, String> environment,
    Path log,
    Readiness readiness,
    Duration stopWithin) {

  ChildSpec {
    command = List.copyOf(command);
    environment = Map.copyOf(environment);
  }
}
