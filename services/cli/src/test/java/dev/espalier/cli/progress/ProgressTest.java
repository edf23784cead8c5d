package dev.espalier.cli.progress;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.cli.sweep.TestJson;
import dev.espalier.cli.text.Screen;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressTest {

  private static final String RUNNING =
      """
      {"id":"3f2a","name":"demo","state":"RUNNING",
       "trials":{"total":6,"planned":2,"running":3,"succeeded":1,"failed":0,"cancelled":0},
       "stages":[{"kind":"SEARCH","total":4,"done":4,"running":0,"failed":0,"shared":2,"reused":1},
                 {"kind":"FINETUNE","total":6,"done":1,"running":1,"failed":0,"shared":0,"reused":0}],
       "etaSeconds":125.4,
       "best":{"trialId":"t","method":"nvit","redistribution":"smooth","targetKind":"macs",
               "keepRatio":0.7,"seed":1,"top1Accuracy":0.861},
       "running":[{"stageId":"s","kind":"FINETUNE","method":"magnitude","redistribution":"none",
                   "targetKind":"macs","keepRatio":0.5,"seed":1,"step":60,"totalSteps":120,
                   "imagesPerSecond":812.3,"epoch":1,"top1Accuracy":0.79}],
       "failures":[]}
      """;

  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);

  @Test
  void aPipeGetsOneLineForEachChangeAndNoneForARepeat() {
    PlainProgress progress = new PlainProgress(out);
    progress.show(snapshot(RUNNING), 10);
    long lines = text().lines().count();
    assertThat(text())
        .contains("[0:10] sweep 3f2a is RUNNING")
        .contains("finetune epoch 1: top-1 79.0 % (magnitude, macs 0.50, seed 1)")
        .contains("search 4 of 4 done, 1 reused")
        .contains("best so far: top-1 86.1 % (nvit + smooth, macs 0.70, seed 1)")
        .contains("trials 1 of 6 ended, about 2 min 05 s left")
        .doesNotContain("\u001b");
    progress.show(snapshot(RUNNING.replace("\"step\":60", "\"step\":70")), 11);
    assertThat(text().lines().count()).isEqualTo(lines);
    progress.show(snapshot(RUNNING.replace("\"epoch\":1", "\"epoch\":2")), 12);
    assertThat(text().lines().count()).isEqualTo(lines + 1);
  }

  @Test
  void aNoteIsSaidOnceUntilTheSchedulerAnswersAgain() {
    PlainProgress progress = new PlainProgress(out);
    progress.note("no answer");
    progress.note("no answer");
    assertThat(text().lines()).hasSize(1);
  }

  @Test
  void aTerminalSeesBarsTimeLeftAndTheBestSoFar() {
    List<String> lines = TerminalProgress.lines(snapshot(RUNNING), 60);
    assertThat(lines.get(0)).contains("RUNNING   1:00   about 2:05 left");
    assertThat(lines).anySatisfy(line -> assertThat(line).startsWith("all").contains("1/6 trials"));
    assertThat(lines)
        .anySatisfy(
            line ->
                assertThat(line)
                    .startsWith("search")
                    .contains("█".repeat(24))
                    .contains("4/4  2 shared  1 reused"));
    assertThat(lines)
        .anySatisfy(line -> assertThat(line).contains("step 60/120  812 images/s  epoch 1"));
    assertThat(lines).anySatisfy(line -> assertThat(line).contains("best so far   top-1 86.1 %"));
  }

  @Test
  void aTerminalIsDrawnOverAndNeverWiderThanItIs() {
    TerminalProgress progress = new TerminalProgress(new Screen(out, true, 60, false));
    progress.show(snapshot(RUNNING), 1);
    int lines = (int) text().lines().count();
    progress.show(snapshot(RUNNING), 2);
    assertThat(text()).contains("\u001b[" + (lines - 1) + "F");
    assertThat(text().lines())
        .allSatisfy(
            line ->
                assertThat(line.replaceAll("\u001b\\[[0-9]*[A-Za-z]", "").length()).isLessThan(60));
  }

  @Test
  void theBarCountsRunningStagesByTheirSteps() {
    assertThat(snapshot(RUNNING).share()).isEqualTo(5.5 / 10);
    assertThat(TerminalProgress.bar(0)).isEqualTo("░".repeat(24));
    assertThat(TerminalProgress.bar(2)).isEqualTo("█".repeat(24));
  }

  private static Snapshot snapshot(String json) {
    return Snapshot.of(TestJson.read(json));
  }

  private String text() {
    return printed.toString(StandardCharsets.UTF_8);
  }
}
