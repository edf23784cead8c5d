package dev.espalier.scheduler.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.scheduler.report.SweepResults.TrialResult;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrialCsvTest {

  private final SweepResults results = ReportFixture.results("Comma, \"quote\" and\nline");

  @Test
  void hasOneRowPerTrialWithTheFiguresOfTheDocument() {
    List<List<String>> rows = parse(TrialCsv.write(results));

    List<String> header = rows.get(0);
    assertThat(rows).hasSize(results.trials().size() + 1);
    for (int i = 0; i < results.trials().size(); i++) {
      TrialResult trial = results.trials().get(i);
      List<String> row = rows.get(i + 1);
      assertThat(row).hasSameSizeAs(header);
      assertThat(row.get(header.indexOf("trial_id"))).isEqualTo(trial.trialId());
      assertThat(row.get(header.indexOf("seed"))).isEqualTo(Long.toString(trial.seed()));
      trial
          .measurements()
          .forEach(
              (name, value) ->
                  assertThat(Double.parseDouble(row.get(header.indexOf(name)))).isEqualTo(value));
      if (trial.failure() != null) {
        assertThat(row.get(header.indexOf("failure_message"))).isEqualTo(trial.failure().message());
      }
    }
  }

  @Test
  void marksTextThatASpreadsheetWouldRun() {
    TrialResult trial = results.trials().get(0);
    SweepResults hostile =
        new SweepResults(
            results.sweep(),
            results.base(),
            results.cells(),
            List.of(
                new TrialResult(
                    "=cmd()",
                    trial.cellId(),
                    "a,b\"c",
                    trial.redistribution(),
                    trial.targetKind(),
                    trial.keepRatio(),
                    -3,
                    trial.state(),
                    trial.stages(),
                    trial.measurements(),
                    trial.curve(),
                    trial.recoveries(),
                    null,
                    null,
                    trial.outputs(),
                    null)),
            results.stages(),
            results.sharing(),
            results.conditions());

    List<String> row = parse(TrialCsv.write(hostile)).get(1);

    assertThat(row.get(1)).isEqualTo("'=cmd()");
    assertThat(row.get(3)).isEqualTo("a,b\"c");
    assertThat(row.get(7)).as("numbers stay numbers").isEqualTo("-3");
  }

  /** RFC 4180, written apart from the writer. */
  private static List<List<String>> parse(String csv) {
    List<List<String>> rows = new ArrayList<>();
    List<String> row = new ArrayList<>();
    StringBuilder field = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < csv.length(); i++) {
      char c = csv.charAt(i);
      if (quoted) {
        if (c == '"' && i + 1 < csv.length() && csv.charAt(i + 1) == '"') {
          field.append('"');
          i++;
        } else if (c == '"') {
          quoted = false;
        } else {
          field.append(c);
        }
      } else if (c == '"') {
        quoted = true;
      } else if (c == ',' || c == '\n') {
        row.add(field.toString());
        field.setLength(0);
        if (c == '\n') {
          rows.add(row);
          row = new ArrayList<>();
        }
      } else if (c != '\r') {
        field.append(c);
      }
    }
    assertThat(field).isEmpty();
    return rows;
  }
}
