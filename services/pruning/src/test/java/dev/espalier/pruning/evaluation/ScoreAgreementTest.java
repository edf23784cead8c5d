package dev.espalier.pruning.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScoreAgreementTest {

  private static final VitArchitecture PLAIN = VitArchitecture.uniform(28, 4, 1, 10, 48, 4, 3, 192);

  private static VitArchitecture selecting() {
    List<BlockShape> blocks = new ArrayList<>(PLAIN.blocks());
    blocks.set(1, blocks.get(1).with(new TokenRule.Select(24)));
    return PLAIN.withWidths(48, blocks);
  }

  /** Scores of {@code images} of ten classes, of which the first {@code far} are off. */
  private static ScoreAgreement agreement(int images, int far, float by) {
    float[] some = new float[images * 10];
    float[] others = new float[images * 10];
    for (int i = 0; i < far; i++) {
      others[i * 10 + 3] = by;
    }
    return ScoreAgreement.NONE.and(images, some, others);
  }

  @Test
  void countsImagesAndKeepsTheLargestDifference() {
    ScoreAgreement agreement = agreement(64, 2, 0.5f).and(1, new float[10], new float[10]);
    assertThat(agreement).isEqualTo(new ScoreAgreement(65, 2, 0.5));
    assertThat(agreement).hasToString("0.5 on 2 of 65 images");
    assertThat(agreement(8, 8, 0.9e-4f).differing()).isZero();
  }

  @Test
  void onlyAModelThatSelectsMayChooseOtherwiseForFewImages() {
    assertThat(agreement(64, 0, 0).holdsFor(PLAIN)).isTrue();
    assertThat(agreement(64, 1, 2).holdsFor(PLAIN)).isFalse();
    assertThat(agreement(64, 2, 2).holdsFor(selecting())).isTrue();
    assertThat(agreement(64, 3, 2).holdsFor(selecting())).isFalse();
  }

  @Test
  void aScoreThatIsNoNumberIsFarFromAll() {
    ScoreAgreement agreement = agreement(4, 1, Float.NaN);
    assertThat(agreement.maxAbsDifference()).isNaN();
    assertThat(agreement.differing()).isEqualTo(1);
    assertThatThrownBy(() -> ScoreAgreement.NONE.and(2, new float[20], new float[10]))
        .hasMessage("expected the scores of 2 images twice but found 20 and 10 numbers");
  }
}
