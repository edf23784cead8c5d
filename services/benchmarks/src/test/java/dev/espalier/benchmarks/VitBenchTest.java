package dev.espalier.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class VitBenchTest {

  private static final String[] TINY =
      "--dim 8 --depth 1 --heads 2 --batch 2 --seconds 0.01 --repetitions 3 --output json"
          .split(" ");

  @ParameterizedTest
  @EnumSource
  void printsTheFieldsOfThePythonYardstick(VitBench.Mode mode) {
    Map<String, Object> fields = VitBench.run(mode, BenchOptions.parse(TINY));
    assertThat(fields.keySet())
        .containsExactly(
            "peer",
            "mode",
            "images_per_s",
            "images_per_cpu_s",
            "image",
            "patch",
            "channels",
            "classes",
            "dim",
            "depth",
            "heads",
            "mlp",
            "batch",
            "threads",
            "repetitions",
            "seconds",
            "device");
    assertThat((double) fields.get("images_per_s")).isPositive();
    assertThat((double) fields.get("images_per_cpu_s")).isPositive();
  }

  @ParameterizedTest
  @CsvSource({
    "--dim,10,--dim",
    "--heads,0,--heads",
    "--batch,-1,--batch",
    "--batch,many,--batch",
    "--seconds,NaN,--seconds",
    "--precision,fp8,--precision",
    "--device,cuda,--device",
    "--colour,red,--colour"
  })
  void namesTheOptionThatIsWrong(String name, String value, String named) {
    assertThatThrownBy(() -> BenchOptions.parse(new String[] {name, value}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(named);
  }

  @ParameterizedTest
  @ValueSource(strings = {"dim", "--dim"})
  void refusesAnythingButPairs(String argument) {
    assertThat(VitBench.main(VitBench.Mode.INFER, new String[] {argument})).isEqualTo(2);
  }
}
