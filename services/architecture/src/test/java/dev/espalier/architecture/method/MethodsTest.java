package dev.espalier.architecture.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.Examples;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.BlockShape;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MethodsTest {

  @Test
  void acceptsEveryDefaultAndDescribesEveryParameter() {
    for (MethodDescriptor method : Methods.ALL) {
      Set<String> names = new HashSet<>();
      for (ParameterDescriptor parameter : method.parameters()) {
        assertThat(names.add(parameter.name())).as(method.name()).isTrue();
        assertThat(parameter.accept(parameter.defaultValue()))
            .as("%s %s", method.name(), parameter.name())
            .contains(parameter.defaultValue());
        assertThat(parameter.description()).endsWith(".");
        assertThat(parameter.accept("no such value")).isEmpty();
      }
      assertThat(method.parameter("alignment")).isPresent();
    }
  }

  @Test
  void acceptsAWholeNumberHoweverItIsWritten() {
    ParameterDescriptor interval = Methods.NVIT.parameter("interval").orElseThrow();
    assertThat(interval.accept(7)).contains(7L);
    assertThat(interval.accept(7.0)).contains(7L);
    assertThat(interval.accept(7.5)).isEmpty();
    assertThat(interval.accept(0L)).isEmpty();
    assertThat(interval.accept(Double.NaN)).isEmpty();
    assertThat(interval.expected()).isEqualTo("an integer in [1, 10000]");
  }

  @Test
  void splitsParametersByTheStageTheyBelongTo() {
    assertThat(Methods.NVIT.parameters(ParameterPhase.PRUNE, Methods.NVIT.defaults()))
        .containsOnlyKeys("alignment");
    assertThat(Methods.NVIT.parameters(ParameterPhase.SEARCH, Methods.NVIT.defaults()))
        .doesNotContainKey("alignment")
        .containsEntry("interval", 25L);
  }

  @Test
  void findsTheFloorOfAModel() {
    assertThat(Floors.smallest(Examples.FASHION, Methods.NVIT.prunes()).blocks())
        .allMatch(block -> block.equals(BlockShape.msa(1, 8, 8, 16)));
    double floor = Methods.NVIT.floor(Examples.FASHION, TargetKind.MACS);
    Cost smallest = Cost.of(Floors.smallest(Examples.FASHION, Methods.NVIT.prunes()));
    assertThat(floor).isEqualTo((double) smallest.macs() / Cost.of(Examples.FASHION).macs());
    assertThat(floor).isBetween(0.01, 0.03);
  }

  @Test
  void namesTheKnownMethods() {
    assertThatThrownBy(() -> Methods.get("l0"))
        .hasMessage("method must be one of %s but is l0".formatted(Methods.names()));
    assertThat(Methods.names()).startsWith("random", "magnitude", "nvit").doesNotHaveDuplicates();
  }
}
