package dev.espalier.pruning.evaluation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenFlow;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.TestDevice;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class KeptPatchesTest {

  private static final TensorEngine TENSORS = TensorEngine.start(TestDevice.settings());
  private static final int[] SHOWN = {0, 3, 5};

  @Test
  void followsStaticRulesThroughTheBlocks() {
    VitArchitecture vit =
        vit(
            TokenRule.ALL,
            new TokenRule.Leave(List.of(0, 1, 2, 4, 7, 9, 16)),
            new TokenRule.Enter(List.of(0, 2, 9, 16)));

    List<KeptPatches.Stage> stages = stages(vit);

    assertThat(stages).extracting(KeptPatches.Stage::block).containsExactly(1, 2);
    assertThat(stages.get(0).kept()).containsOnly(List.of(0, 1, 3, 6, 8, 15)).hasSize(3);
    assertThat(stages.get(1).kept()).containsOnly(List.of(1, 8, 15));
    counts(vit, stages);
  }

  @Test
  void followsWhatPredictorsChooseForEachImage() {
    VitArchitecture vit = vit(new TokenRule.Select(11), TokenRule.ALL, new TokenRule.Select(5));

    List<KeptPatches.Stage> stages = stages(vit);

    assertThat(stages).extracting(KeptPatches.Stage::block).containsExactly(0, 2);
    counts(vit, stages);
    assertThat(stages.get(0).kept()).as("images differ").doesNotHaveDuplicates();
    for (int i = 0; i < SHOWN.length; i++) {
      assertThat(stages.get(0).kept().get(i)).containsAll(stages.get(1).kept().get(i));
      assertThat(new TreeSet<>(stages.get(1).kept().get(i)))
          .containsExactlyElementsOf(stages.get(1).kept().get(i));
    }
  }

  @Test
  void hasNothingToShowOfAModelThatKeepsAllTokens() {
    assertThat(stages(vit(TokenRule.ALL, TokenRule.ALL, TokenRule.ALL))).isEmpty();
  }

  /** The picture of a block has as many patches as the architecture lets out there. */
  private static void counts(VitArchitecture vit, List<KeptPatches.Stage> stages) {
    TokenFlow flow = vit.flow();
    for (KeptPatches.Stage stage : stages) {
      int patches = flow.blocks().get(stage.block()).out() - vit.prefixTokens();
      assertThat(stage.kept()).allSatisfy(kept -> assertThat(kept).hasSize(patches));
    }
  }

  private static List<KeptPatches.Stage> stages(VitArchitecture vit) {
    try (VitModel model = VitModel.frozen(TENSORS, VitInitializer.weights(vit, 3))) {
      ImageDataset images = images();
      return KeptPatches.of(TENSORS, model, images, images.test(), SHOWN);
    }
  }

  private static VitArchitecture vit(TokenRule... rules) {
    VitArchitecture plain = VitArchitecture.uniform(16, 4, 1, 4, 32, 3, 2, 64);
    List<BlockShape> blocks = new ArrayList<>();
    for (int l = 0; l < rules.length; l++) {
      blocks.add(plain.blocks().get(l).with(rules[l]));
    }
    return new VitArchitecture(16, 4, 1, 4, 1, 32, 16, 1e-6, blocks);
  }

  private static ImageDataset images() {
    byte[] pixels = new byte[8 * 16 * 16];
    new Random(4).nextBytes(pixels);
    Split split = new Split(pixels, new int[8]);
    return new ImageDataset("noise", 1, 16, 4, List.of(0.5), List.of(0.5), split, split, split);
  }
}
