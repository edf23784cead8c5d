package dev.espalier.cli.progress;

import dev.espalier.cli.text.Screen;
import dev.espalier.cli.text.Units;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A picture that is drawn over itself: bars, what runs, the best so far, the time left. */
public final class TerminalProgress implements ProgressView {

  private static final int BAR = 24;
  private static final int MOST_RUNNING = 8;

  private final Screen screen;
  private int drawn;
  private String note = "";
  private List<String> last = List.of();

  public TerminalProgress(Screen screen) {
    this.screen = screen;
  }

  @Override
  public void show(Snapshot now, double elapsedSeconds) {
    note = "";
    last = lines(now, elapsedSeconds);
    draw();
  }

  @Override
  public void note(String message) {
    note = message;
    draw();
  }

  private void draw() {
    List<String> lines = new ArrayList<>(last);
    if (!note.isEmpty()) {
      lines.add(note);
    }
    StringBuilder frame = new StringBuilder();
    if (drawn > 0) {
      frame.append("\u001b[").append(drawn).append("F");
    }
    for (String line : lines) {
      frame.append("\u001b[2K").append(cut(line)).append('\n');
    }
    // Lines of a taller picture before.
    frame.append("\u001b[0J");
    screen.out().print(frame);
    screen.out().flush();
    drawn = lines.size();
  }

  private String cut(String line) {
    return line.length() <= screen.width() - 1 ? line : line.substring(0, screen.width() - 2) + "…";
  }

  static List<String> lines(Snapshot now, double elapsedSeconds) {
    List<String> lines = new ArrayList<>();
    String eta =
        now.ended()
            ? ""
            : Double.isNaN(now.etaSeconds())
                ? "   time left unknown"
                : "   about %s left".formatted(Units.clock(now.etaSeconds()));
    lines.add(
        "sweep %s  %s  %s   %s%s"
            .formatted(
                now.id(),
                now.name(),
                now.reason().isEmpty() ? now.state() : now.state() + " (" + now.reason() + ")",
                Units.clock(elapsedSeconds),
                eta));
    lines.add(
        "%-13s %s  %d/%d trials%s"
            .formatted(
                "all",
                bar(now.share()),
                now.endedTrials(),
                now.trials(),
                now.failed() > 0 ? ", %d failed".formatted(now.failed()) : ""));
    for (Snapshot.Stages kind : now.stages()) {
      lines.add(
          "%-13s %s  %d/%d%s%s%s%s"
              .formatted(
                  kind.kind(),
                  bar(kind.total() == 0 ? 0 : kind.done() / (double) kind.total()),
                  kind.done(),
                  kind.total(),
                  some(kind.running(), "running"),
                  some(kind.failed(), "failed"),
                  some(kind.shared(), "shared"),
                  some(kind.reused(), "reused")));
    }
    int shown = 0;
    for (Snapshot.Running stage : now.running()) {
      if (shown++ == MOST_RUNNING) {
        lines.add("  ... and %d more".formatted(now.running().size() - MOST_RUNNING));
        break;
      }
      lines.add(running(stage));
    }
    now.best()
        .ifPresent(
            best ->
                lines.add(
                    "best so far   top-1 %s  %s"
                        .formatted(Units.percent(best.top1Accuracy()), best.label())));
    now.failures().stream()
        .limit(3)
        .forEach(
            failure ->
                lines.add(
                    "failed        %s: %s, %s"
                        .formatted(failure.trialId(), failure.code(), failure.message())));
    return lines;
  }

  private static String running(Snapshot.Running stage) {
    StringBuilder line = new StringBuilder();
    line.append("  %-11s %s".formatted(stage.kind(), stage.label()));
    if (stage.totalSteps() > 0) {
      line.append(String.format(Locale.ROOT, "  step %d/%d", stage.step(), stage.totalSteps()));
    }
    if (stage.imagesPerSecond() > 0) {
      line.append(String.format(Locale.ROOT, "  %.0f images/s", stage.imagesPerSecond()));
    }
    if (stage.epoch() >= 0) {
      line.append(
          "  epoch %d top-1 %s".formatted(stage.epoch(), Units.percent(stage.top1Accuracy())));
    }
    return line.toString();
  }

  private static String some(int count, String what) {
    return count == 0 ? "" : "  %d %s".formatted(count, what);
  }

  static String bar(double share) {
    int full = (int) Math.floor(Math.max(0, Math.min(1, share)) * BAR);
    return "█".repeat(full) + "░".repeat(BAR - full);
  }

  @Override
  public void close() {}
}
