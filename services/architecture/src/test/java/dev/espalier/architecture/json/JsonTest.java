package dev.espalier.architecture.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

  @Test
  void sortsKeysAndLeavesNoSpaces() {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("b", List.of(1, 2.5, "x"));
    tree.put("a", Map.of("z", true));
    tree.put("c", null);
    assertThat(Json.canonical(tree))
        .isEqualTo("{\"a\":{\"z\":true},\"b\":[1,2.5,\"x\"],\"c\":null}");
  }

  /** Numbers of RFC 8785, appendix B, and those that JDK 17 prints too long. */
  @ParameterizedTest
  @CsvSource({
    "0.0, 0",
    "-0.0, 0",
    "1.0, 1",
    "0.1, 0.1",
    "0.0005, 0.0005",
    "5.0E-324, 5e-324",
    "1.7976931348623157E308, 1.7976931348623157e+308",
    "9007199254740992.0, 9007199254740992",
    "2.95147905179352830E20, 295147905179352830000",
    "9.999999999999997E22, 9.999999999999997e+22",
    "1.0E23, 1e+23",
    "2.0E-3, 0.002",
    "2.2250738585072014E-308, 2.2250738585072014e-308",
    "0.000001, 0.000001",
    "1.0E-7, 1e-7",
    "333333333.33333329, 333333333.3333333",
    "-1.5E-9, -1.5e-9",
    "2.0E23, 2e+23"
  })
  void writesTheShortestNumberThatReadsBack(double value, String text) {
    assertThat(Json.canonical(value)).isEqualTo(text);
    assertThat(Double.parseDouble(text)).isEqualTo(value + 0.0);
  }

  @Test
  void readsEveryNumberBackAndWritesNoDigitTooMany() {
    Random random = new Random(7);
    for (int i = 0; i < 3_000; i++) {
      double value =
          i % 2 == 0
              ? Double.longBitsToDouble(random.nextLong())
              : Math.rint(random.nextDouble() * 1e4) / 1e4;
      if (Double.isFinite(value)) {
        String text = Json.canonical(value);
        assertThat(((Number) Json.parse(text)).doubleValue()).isEqualTo(value + 0.0);
        assertThat(new BigDecimal(text).stripTrailingZeros().precision())
            .isLessThanOrEqualTo(
                new BigDecimal(Double.toString(value)).stripTrailingZeros().precision());
      }
    }
  }

  @Test
  void readsItsOwnRandomTreesBack() {
    Random random = new Random(3);
    for (int i = 0; i < 300; i++) {
      Object tree = randomTree(random, 4);
      assertThat(Json.parse(Json.canonical(tree))).isEqualTo(tree);
      assertThat(Json.parse(Json.pretty(tree))).isEqualTo(tree);
      assertThat(Json.canonical(Json.parse(Json.pretty(tree)))).isEqualTo(Json.canonical(tree));
    }
  }

  @Test
  void escapesWhatJsonWantsEscaped() {
    String text = "\"\\\b\f\n\r\t\u0001é漢😀/";
    assertThat(Json.canonical(text)).isEqualTo("\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001é漢😀/\"");
    assertThat(Json.parse(Json.canonical(text))).isEqualTo(text);
    assertThat(Json.parse("\"\\u00e9\\ud83d\\ude00\\/\"")).isEqualTo("é😀/");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "tru",
        "nul",
        "'a'",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "{\"a\" 1}",
        "{a:1}",
        "[1 2]",
        "1 2",
        "1e999",
        "NaN",
        "{\"a\":1,\"a\":2}",
        "\"open",
        "-",
        "\"\\u+123\""
      })
  void refusesWhatIsNoJson(String text) {
    assertThatThrownBy(() -> Json.parse(text)).isInstanceOf(JsonException.class);
  }

  @Test
  void saysWhatItExpectedAndWhere() {
    assertThatThrownBy(() -> Json.parse("[1, x]"))
        .hasMessage("expected a value at offset 4 but 'x]' comes");
    assertThatThrownBy(() -> Json.parse("[1"))
        .hasMessage("expected ',' or ']' at offset 2 but the text ends");
  }

  @Test
  void refusesNestingBeyondItsBoundWithoutUsingTheStack() {
    assertThatThrownBy(() -> Json.parse("[".repeat(1_000_000)))
        .isInstanceOf(JsonException.class)
        .hasMessageContaining("64 levels");
    assertThat(Json.parse("[".repeat(64) + "]".repeat(64))).isInstanceOf(List.class);
  }

  @Test
  void refusesNumbersThatJsonLacks() {
    assertThatThrownBy(() -> Json.canonical(Double.NaN)).isInstanceOf(JsonException.class);
    assertThatThrownBy(() -> Json.canonical(List.of(Double.POSITIVE_INFINITY)))
        .isInstanceOf(JsonException.class);
  }

  @Test
  void namesTheMemberThatIsMissingOrMistyped() {
    JsonObject object = Json.parseObject("{\"a\":{\"b\":\"x\",\"c\":[1,2.5]}}");
    assertThatThrownBy(() -> object.object("a").count("b"))
        .hasMessage("a.b must be an integer but is x");
    assertThatThrownBy(() -> object.object("a").counts("c"))
        .hasMessage("a.c[1] must be an integer but is 2.5");
    assertThatThrownBy(() -> object.text("name")).hasMessage("name must be text but is null");
  }

  private static Object randomTree(Random random, int depth) {
    return switch (random.nextInt(depth > 0 ? 7 : 5)) {
      case 0 -> random.nextLong();
      case 1 -> random.nextInt(1000) / 1000.0 + 0.0005;
      case 2 -> "text " + (char) random.nextInt(0xd800);
      case 3 -> random.nextBoolean();
      case 4 -> null;
      case 5 -> {
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          list.add(randomTree(random, depth - 1));
        }
        yield list;
      }
      default -> {
        Map<String, Object> map = new HashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          map.put("k" + random.nextInt(100), randomTree(random, depth - 1));
        }
        yield map;
      }
    };
  }

  @Test
  void hashesEqualTreesAlikeWhateverTheirOrder() {
    Map<String, Object> a = new LinkedHashMap<>();
    a.put("x", 1);
    a.put("y", Arrays.asList(1.0, null));
    Map<String, Object> b = new LinkedHashMap<>();
    b.put("y", Arrays.asList(1L, null));
    b.put("x", 1.0);
    assertThat(Json.sha256(a)).isEqualTo(Json.sha256(b)).hasSize(64);
  }
}
