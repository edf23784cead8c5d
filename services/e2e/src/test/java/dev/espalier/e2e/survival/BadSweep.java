package dev.espalier.e2e.survival;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.http.HttpResponse;
import java.util.Collections;
import java.util.List;

/**
 * A sweep that must be refused.
 *
 * @param field the field that the answer names; empty: the whole text
 * @param status of the answer
 */
record BadSweep(String what, String text, String field, int status) {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Every way in which this good sweep is spoilt. */
  static List<BadSweep> of(String good) {
    return List.of(
        bad("unknown method", but(good, "magnitude", "magnitud"), "methods[0].name"),
        bad("unknown field", good + "colour: red\n", "colour"),
        bad("keep ratio 0", but(good, "0.75", "0"), "targets.macs[0]"),
        bad("keep ratio 1.5", but(good, "0.75", "1.5"), "targets.macs[0]"),
        bad("keep ratio as text", but(good, "0.75", "half"), "targets.macs[0]"),
        bad("keep ratio below the floor", but(good, "0.75", "0.001"), "targets.macs[0]"),
        bad("no seeds", but(good, "seeds: [1]", "seeds: []"), "seeds"),
        bad("duplicate seeds", but(good, "seeds: [1]", "seeds: [1, 1]"), "seeds[1]"),
        bad("unregistered dataset", but(good, "mnist-subset", "mnist-part"), "dataset"),
        bad("0 epochs", but(good, "epochs: 1", "epochs: 0"), "recipe.epochs"),
        new BadSweep("10 MB of YAML", good + "# " + "x".repeat(10 << 20), "", 413),
        bad("20,000-fold nesting", "a: " + "[".repeat(20_000) + "]".repeat(20_000), ""),
        bad("an alias bomb", aliasBomb(), ""),
        bad("an empty file", "", ""));
  }

  /** The good sweep with something else in it. */
  private static String but(String good, String part, String other) {
    assertThat(good).contains(part);
    return good.replace(part, other);
  }

  private static BadSweep bad(String what, String text, String field) {
    return new BadSweep(what, text, field, 400);
  }

  private static String aliasBomb() {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
      String aliases = String.join(", ", Collections.nCopies(10, "*a" + (i - 1)));
      bomb.append("a%d: &a%d [%s]%n".formatted(i, i, aliases));
    }
    return bomb.toString();
  }

  /** The answer names field, expected and found, and shows no inside of the service. */
  void checkRefusal(HttpResponse<String> answer) throws Exception {
    assertThat(answer.statusCode()).as(what + ": " + answer.body()).isEqualTo(status);
    assertThat(answer.headers().firstValue("Content-Type").orElse(""))
        .as(what)
        .startsWith("application/json");
    assertThat(answer.body()).as(what).hasSizeLessThan(4000).doesNotContain("\\tat ", "Exception");
    JsonNode violations = JSON.readTree(answer.body()).path("violations");
    assertThat(violations.findValuesAsText("field")).as(what + ": " + violations).contains(field);
    for (JsonNode violation : violations) {
      assertThat(violation.path("expected").asText()).as(what).isNotBlank();
      assertThat(violation.path("found").asText()).as(what).isNotBlank();
    }
  }
}
