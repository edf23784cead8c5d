package dev.espalier.testkit;

import dev.espalier.schemas.Topics;
import dev.espalier.schemas.stage.v1.StageReport;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A worker's reports on their way: in the order in which they were made, each sent again until the
 * broker has answered for it, which may make it two. Used by one thread at a time.
 */
final class ReportOutbox {

  private record Pending(StageReport report, Runnable acknowledged) {}

  private final TestProducer producer;
  private final boolean twice;
  private final Deque<Pending> pending = new ArrayDeque<>();

  /**
   * @param twice whether everything is said twice, as a worker does that did not hear the answer
   */
  ReportOutbox(TestProducer producer, boolean twice) {
    this.producer = producer;
    this.twice = twice;
  }

  /**
   * @param acknowledged run once the broker has the report
   */
  void add(StageReport report, Runnable acknowledged) {
    pending.add(new Pending(report, acknowledged));
  }

  /** Sends what is there until all is answered for, or the broker does not answer. */
  void drain() {
    while (!pending.isEmpty()) {
      Pending next = pending.peek();
      for (int time = 0; time < (twice ? 2 : 1); time++) {
        producer.send(Topics.STAGE_REPORTS, next.report.getStageId(), next.report);
      }
      pending.remove();
      next.acknowledged.run();
    }
  }
}
