package dev.espalier.architecture.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.architecture.Examples;
import dev.espalier.architecture.vit.VitArchitecture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CostTest {

  /** {@code methods/README.md} §4. */
  @ParameterizedTest
  @CsvSource({"192, 3, 5.717, 1.254", "384, 6, 22.051, 4.599", "768, 12, 86.568, 17.564"})
  void reproducesThePublishedCostOfDeit(int d, int heads, double params, double macs) {
    Cost cost = Cost.of(VitArchitecture.uniform(224, 16, 3, 1000, d, 12, heads, 4 * d));
    assertThat(cost.params() / 1e6).isEqualTo(params, within(0.0005));
    assertThat(cost.macs() / 1e9).isEqualTo(macs, within(0.0005));
  }

  /** {@code methods/README.md} §8: 0.679M params, 36.1M MACs. */
  @Test
  void reproducesTheCostOfTheSmallTestbed() {
    Cost cost = Cost.of(Examples.FASHION);
    assertThat(cost.params() / 1e6).isEqualTo(0.679, within(0.0005));
    assertThat(cost.macs() / 1e6).isEqualTo(36.1, within(0.05));
  }

  @Test
  void countsADistillationTokenAndItsClassifier() {
    VitArchitecture plain = Examples.DEIT_SMALL;
    VitArchitecture distilled =
        new VitArchitecture(224, 16, 3, 1000, 2, 384, 64, 1e-6, plain.blocks());
    long extra = Cost.of(distilled).params() - Cost.of(plain).params();
    assertThat(extra).isEqualTo(2 * 384 + 384 * 1000 + 1000);
  }
}
