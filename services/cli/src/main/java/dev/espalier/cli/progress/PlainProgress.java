package dev.espalier.cli.progress;

import dev.espalier.cli.text.Units;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One line for each change: for pipes and logs. */
public final class PlainProgress implements ProgressView {

  private final PrintStream out;
  private final Map<String, Long> epochs = new HashMap<>();
  private final Map<String, Integer> done = new HashMap<>();
  private final Set<String> failures = new HashSet<>();
  private final Set<String> started = new HashSet<>();
  private String state = "";
  private int ended;
  private Optional<Snapshot.Best> best = Optional.empty();
  private String noted = "";

  public PlainProgress(PrintStream out) {
    this.out = out;
  }

  @Override
  public void show(Snapshot now, double elapsedSeconds) {
    noted = "";
    if (!now.state().equals(state)) {
      state = now.state();
      say(
          elapsedSeconds,
          "sweep %s is %s%s"
              .formatted(now.id(), state, now.reason().isEmpty() ? "" : ": " + now.reason()));
    }
    for (Snapshot.Running stage : now.running()) {
      if (started.add(stage.stageId())) {
        say(elapsedSeconds, "%s started: %s".formatted(stage.kind(), stage.label()));
      }
      if (stage.epoch() > epochs.getOrDefault(stage.stageId(), -1L)) {
        epochs.put(stage.stageId(), stage.epoch());
        say(
            elapsedSeconds,
            "%s epoch %d: top-1 %s (%s)"
                .formatted(
                    stage.kind(),
                    stage.epoch(),
                    Units.percent(stage.top1Accuracy()),
                    stage.label()));
      }
    }
    for (Snapshot.Stages kind : now.stages()) {
      if (kind.done() > done.getOrDefault(kind.kind(), 0)) {
        done.put(kind.kind(), kind.done());
        say(
            elapsedSeconds,
            "%s %d of %d done%s"
                .formatted(
                    kind.kind(),
                    kind.done(),
                    kind.total(),
                    kind.reused() > 0 ? ", %d reused".formatted(kind.reused()) : ""));
      }
    }
    for (Snapshot.Failure failure : now.failures()) {
      if (failures.add(failure.trialId())) {
        say(
            elapsedSeconds,
            "trial %s failed: %s, %s"
                .formatted(failure.trialId(), failure.code(), failure.message()));
      }
    }
    if (now.best().isPresent() && !now.best().equals(best)) {
      best = now.best();
      say(
          elapsedSeconds,
          "best so far: top-1 %s (%s)"
              .formatted(Units.percent(best.get().top1Accuracy()), best.get().label()));
    }
    if (now.endedTrials() > ended) {
      ended = now.endedTrials();
      String eta =
          Double.isNaN(now.etaSeconds()) || now.ended()
              ? ""
              : ", about %s left".formatted(Units.duration(now.etaSeconds()));
      say(elapsedSeconds, "trials %d of %d ended%s".formatted(ended, now.trials(), eta));
    }
  }

  @Override
  public void note(String message) {
    if (!message.equals(noted)) {
      noted = message;
      out.println(message);
      out.flush();
    }
  }

  private void say(double elapsedSeconds, String text) {
    out.printf("[%s] %s%n", Units.clock(elapsedSeconds), text);
    out.flush();
  }

  @Override
  public void close() {}
}
