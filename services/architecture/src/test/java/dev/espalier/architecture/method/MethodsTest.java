package dev.espalier.architecture.method;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.architecture.Examples;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.HashSet;
import java.util.Map;
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
  void aFloorIsTheMethodsOwnAndFollowsItsParameters() {
    VitArchitecture base = Examples.FASHION;
    // One of six blocks sees all patches, and predictors cost something too.
    double dynamic = Methods.DYNAMIC_VIT.floor(base, TargetKind.MACS);
    assertThat(dynamic).isBetween(0.17, 0.35);
    assertThat(Methods.DYNAMIC_VIT.floor(base, TargetKind.MACS, Map.of("stages", 1L)))
        .as("one predictor in the middle leaves half of the blocks whole")
        .isBetween(0.5, 0.6);
    // Blocks with a classifier may go, so four of six stay; widths alone leave all six.
    double depth = Methods.WDPRUNING.floor(base, TargetKind.MACS);
    assertThat(Methods.WDPRUNING.floor(base, TargetKind.MACS, Map.of("classifiers", 0L)))
        .isCloseTo(depth * 6 / 4, within(0.02));
    assertThat(Methods.MAGNITUDE.floor(base, TargetKind.MACS, Map.of("alignment", 48L)))
        .isGreaterThan(4 * Methods.MAGNITUDE.floor(base, TargetKind.MACS));
    assertThat(Methods.BASE_EXTRA_EPOCHS.floor(base, TargetKind.MACS)).isEqualTo(1);
  }

  @Test
  void everyFloorIsAKeepRatioThatDefaultsRespect() {
    for (MethodDescriptor method : Methods.ALL) {
      for (TargetKind kind : method.targets()) {
        assertThat(method.floor(Examples.FASHION, kind)).as(method.name()).isBetween(0.0, 1.0);
      }
    }
  }

  @Test
  void controlsOfTrainingStandAlone() {
    assertThat(Combination.refusal(Methods.SMALL_FROM_SCRATCH, Methods.DYNAMIC_VIT))
        .hasValueSatisfying(reason -> assertThat(reason).contains("small-from-scratch"));
    assertThat(Combination.refusal(Methods.DEPTH_LAST, Methods.SMALL_FROM_SCRATCH)).isPresent();
    assertThat(Combination.refusal(Methods.BASE_EXTRA_EPOCHS, Methods.DYNAMIC_VIT)).isPresent();
    assertThat(Methods.SMALL_FROM_SCRATCH.redistributable()).isFalse();
    assertThat(Methods.BASE_EXTRA_EPOCHS.redistributable()).isFalse();
    assertThat(Methods.NVIT.redistributable()).isTrue();
  }

  @Test
  void namesTheKnownMethods() {
    assertThatThrownBy(() -> Methods.get("l0"))
        .hasMessage("method must be one of %s but is l0".formatted(Methods.names()));
    assertThat(Methods.names()).startsWith("random", "magnitude", "nvit").doesNotHaveDuplicates();
  }
}
