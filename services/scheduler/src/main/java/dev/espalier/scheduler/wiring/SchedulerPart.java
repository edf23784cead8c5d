package dev.espalier.scheduler.wiring;

import java.util.List;

/**
 * A part of the scheduler with loops of its own. Beans of this type are started once the database
 * has its tables and the broker its topics, and closed before the process ends.
 */
public interface SchedulerPart extends AutoCloseable {

  void start();

  /** What is not as it should be; empty if all is well. */
  List<String> troubles();

  @Override
  void close();
}
