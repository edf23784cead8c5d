package dev.espalier.cli.progress;

import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Screen;
import java.util.OptionalDouble;
import java.util.function.DoubleSupplier;

/** Follows a sweep until it has ended, through restarts of the scheduler. */
public final class Watch {

  private static final long TERMINAL_MILLIS = 500;
  private static final long PLAIN_MILLIS = 1000;
  private static final double PATIENCE_SECONDS = 120;

  private final Scheduler scheduler;
  private final Screen screen;
  private final Runnable check;
  private OptionalDouble firstCurveAt = OptionalDouble.empty();

  public Watch(Scheduler scheduler, Screen screen) {
    this(scheduler, screen, () -> {});
  }

  /**
   * @param check called while nothing answers; throws where waiting is in vain
   */
  public Watch(Scheduler scheduler, Screen screen, Runnable check) {
    this.scheduler = scheduler;
    this.screen = screen;
    this.check = check;
  }

  /**
   * Returns the last snapshot.
   *
   * @param clock seconds to show beside the progress
   */
  public Snapshot follow(String sweepId, DoubleSupplier clock) {
    double answeredAt = clock.getAsDouble();
    try (ProgressView view =
        screen.terminal() ? new TerminalProgress(screen) : new PlainProgress(screen.out())) {
      while (true) {
        try {
          Snapshot now = Snapshot.of(scheduler.poll("/sweeps/" + Scheduler.encoded(sweepId)));
          answeredAt = clock.getAsDouble();
          if (firstCurveAt.isEmpty() && hasCurve(now)) {
            firstCurveAt = OptionalDouble.of(answeredAt);
          }
          view.show(now, answeredAt);
          if (now.ended()) {
            return now;
          }
        } catch (Scheduler.Unreachable e) {
          check.run();
          if (clock.getAsDouble() - answeredAt > PATIENCE_SECONDS) {
            throw new CommandFailed(e.getMessage() + "; the sweep goes on when it is back");
          }
          view.note(e.getMessage() + ", trying again");
        }
        Thread.sleep(screen.terminal() ? TERMINAL_MILLIS : PLAIN_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandFailed("interrupted");
    }
  }

  /** When the first point of a training curve was seen. */
  public OptionalDouble firstCurveAt() {
    return firstCurveAt;
  }

  private static boolean hasCurve(Snapshot now) {
    return now.running().stream().anyMatch(stage -> stage.epoch() >= 0)
        || now.stages().stream()
            .anyMatch(kind -> kind.kind().equals("finetune") && kind.done() > 0);
  }
}
