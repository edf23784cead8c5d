package dev.espalier.schemas.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SweepTextTest {

  @Test
  void readsYamlWithTheTypesOfJson() {
    assertThat(tree("a: 1\nb: 0.5\nc: [x, 'y', true, null]\nd: {e: 1e-3}\noff: on"))
        .isEqualTo(
            mapOf(
                "a",
                1L,
                "b",
                0.5,
                "c",
                listOf("x", "y", true, null),
                "d",
                Map.of("e", 1e-3),
                "off",
                "on"));
  }

  @Test
  void readsJson() {
    assertThat(tree("{\"seeds\": [1, 2], \"targets\": {\"macs\": [0.5]}}"))
        .isEqualTo(Map.of("seeds", List.of(1L, 2L), "targets", Map.of("macs", List.of(0.5))));
  }

  @Test
  void sharesWhatAnAliasNames() {
    assertThat(tree("a: &x [1, 2]\nb: *x"))
        .isEqualTo(Map.of("a", List.of(1L, 2L), "b", List.of(1L, 2L)));
  }

  @Test
  void refusesAnEmptyText() {
    for (String text : List.of("", "   \n", "# a comment\n", "---\n", "null")) {
      assertThat(SweepText.read(text).violations())
          .containsExactly(new TextViolation("", "a sweep", "an empty text"));
    }
  }

  @Test
  void refusesTenMegabytes() throws IOException {
    byte[] text = new byte[10_000_000];
    java.util.Arrays.fill(text, (byte) 'a');
    assertThat(SweepText.read(text).violations())
        .containsExactly(new TextViolation("", "at most 1048576 bytes", "10000000 bytes"));
    assertThat(SweepText.read(new ByteArrayInputStream(text)).violations())
        .containsExactly(new TextViolation("", "at most 1048576 bytes", "more"));
    assertThat(SweepText.read("a".repeat(10_000_000)).isValid()).isFalse();
  }

  @Test
  void refusesTwentyThousandFoldNesting() {
    List<String> texts =
        List.of(
            "[".repeat(20_000),
            "[".repeat(20_000) + "]".repeat(20_000),
            "{\"a\":".repeat(20_000) + "1" + "}".repeat(20_000),
            "- ".repeat(20_000) + "1",
            "? ".repeat(20_000) + "1");
    for (String text : texts) {
      List<TextViolation> violations = SweepText.read(text).violations();
      assertThat(violations).hasSize(1);
      assertThat(violations.get(0).found().length()).isLessThan(200);
    }
    assertThat(SweepText.read(texts.get(0)).violations().get(0).expected())
        .isEqualTo("at most 50 levels");
  }

  @Test
  void readsFiftyLevelsAndNoMore() {
    assertThat(SweepText.read("[".repeat(50) + "]".repeat(50)).isValid()).isTrue();
    assertThat(SweepText.read("[".repeat(51) + "]".repeat(51)).isValid()).isFalse();
  }

  @Test
  void refusesAnAliasBomb() {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 10; i++) {
      bomb.append("a%d: &a%d [".formatted(i, i));
      bomb.append("*a%d,".formatted(i - 1).repeat(10));
      bomb.append("]\n");
    }
    assertThat(SweepText.read(bomb.toString()).violations())
        .singleElement()
        .satisfies(
            violation -> assertThat(violation.expected()).isEqualTo("at most 100000 values"));
  }

  @Test
  void refusesManyAliasesAndOnesThatContainThemselves() {
    assertThat(SweepText.read("a: &x 1\nb: [" + "*x,".repeat(101) + "]").violations().get(0))
        .satisfies(violation -> assertThat(violation.expected()).isEqualTo("at most 100 aliases"));
    assertThat(SweepText.read("a: &x [*x]").violations().get(0).expected())
        .isEqualTo("an alias of a value that is complete");
  }

  @Test
  void namesARepeatedKeyWithItsPath() {
    assertThat(SweepText.read("recipe:\n  epochs: 1\n  epochs: 2\n").violations())
        .containsExactly(
            new TextViolation(
                "recipe.epochs", "each key once", "the key again at line 3, column 3"));
  }

  @Test
  void refusesTagsSeveralDocumentsAndKeysThatAreNoText() {
    assertThat(SweepText.read("a: !!java.net.URL [x]").isValid()).isFalse();
    assertThat(SweepText.read("a: 1\n---\nb: 2").isValid()).isFalse();
    assertThat(SweepText.read("? [a]\n: 1").isValid()).isFalse();
  }

  @Test
  void saysWhereBrokenTextBreaks() {
    assertThat(SweepText.read("a: [1, 2\nb: 3").violations())
        .singleElement()
        .satisfies(
            violation -> {
              assertThat(violation.expected()).isEqualTo("YAML or JSON");
              assertThat(violation.found()).contains("line 2");
            });
    assertThat(SweepText.read(new byte[] {(byte) 0xff, (byte) 0xfe, 0x00}).isValid()).isFalse();
    assertThat(SweepText.read("a: \u0001").isValid()).isFalse();
    assertThat(SweepText.read("\tfoo: [").isValid()).isFalse();
  }

  private static Object tree(String text) {
    TextReading reading = SweepText.read(text);
    assertThat(reading.violations()).isEmpty();
    return reading.tree();
  }

  private static List<Object> listOf(Object... values) {
    return java.util.Arrays.asList(values);
  }

  private static Map<String, Object> mapOf(Object... pairs) {
    Map<String, Object> map = new java.util.HashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put((String) pairs[i], pairs[i + 1]);
    }
    return map;
  }
}
