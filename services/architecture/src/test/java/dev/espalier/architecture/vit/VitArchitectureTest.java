package dev.espalier.architecture.vit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.Examples;
import org.junit.jupiter.api.Test;

class VitArchitectureTest {

  @Test
  void readsItsOwnJsonBack() {
    for (VitArchitecture vit :
        new VitArchitecture[] {Examples.TINY, Examples.FASHION, Examples.DEIT_SMALL}) {
      assertThat(VitArchitecture.fromJson(vit.toJson())).isEqualTo(vit);
    }
  }

  @Test
  void countsPatchesAndTokens() {
    assertThat(Examples.DEIT_SMALL.patches()).isEqualTo(196);
    assertThat(Examples.DEIT_SMALL.tokens()).isEqualTo(197);
    assertThat(Examples.DEIT_SMALL.patchVector()).isEqualTo(768);
    assertThat(Examples.DEIT_SMALL.scaleWidth()).isEqualTo(64);
  }

  @Test
  void namesTheFieldThatIsOutOfRange() {
    assertThatThrownBy(() -> VitArchitecture.uniform(28, 5, 1, 10, 96, 6, 4, 384))
        .hasMessage("patchSize must be a divisor of imageSize 28 but is 5");
    assertThatThrownBy(() -> VitArchitecture.uniform(28, 4, 2, 10, 96, 6, 4, 384))
        .hasMessage("channels must be 1 or 3 but is 2");
    assertThatThrownBy(() -> VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 5, 384))
        .hasMessage("heads must be a divisor of embedding 96 but is 5");
    assertThatThrownBy(() -> VitArchitecture.uniform(28, 4, 1, 10, 96, 0, 4, 384))
        .hasMessage("blocks must be at least one but is []");
    assertThatThrownBy(() -> BlockShape.msa(0, 8, 8, 16))
        .hasMessage("heads must be at least 1 but is 0");
  }

  @Test
  void namesTheMemberOfJsonThatIsWrong() {
    String json = Examples.TINY.toJson();
    assertThatThrownBy(() -> VitArchitecture.fromJson(json.replace("\"classes\":10,", "")))
        .hasMessage("classes must be an integer but is null");
    assertThatThrownBy(() -> VitArchitecture.fromJson(json.replace("\"msa\"", "\"lstm\"")))
        .hasMessage("attention must be msa, conv3, conv1 or skip but is lstm");
    assertThatThrownBy(() -> VitArchitecture.fromJson(json.replace("vit/1", "vit/9")))
        .hasMessage("format must be espalier.vit/1 but is espalier.vit/9");
  }
}
