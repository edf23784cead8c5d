package dev.espalier.onnx;

import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** One shape for each thing that a cut may do to a model; 28x28 images in 49 patches. */
enum CutShapes {
  UNEQUAL_WIDTHS(
      gray(1, 20, new BlockShape(AttentionKind.MSA, 3, 4, 6, 20), BlockShape.msa(1, 5, 3, 7))),
  BLOCK_WITHOUT_ATTENTION(
      gray(
          1,
          20,
          BlockShape.msa(2, 4, 4, 12),
          new BlockShape(AttentionKind.SKIP, 0, 0, 0, 8),
          BlockShape.msa(2, 4, 4, 12))),
  NARROWED_BRANCHES(
      gray(
          1,
          20,
          BlockShape.msa(3, 4, 6, 10)
              .with(
                  new Wiring(
                      List.of(0, 3, 4, 11), List.of(1, 2, 19), List.of(5, 6), List.of(0, 7, 9))))),
  CONVOLUTIONS_AND_DISTILLATION(
      gray(
          2,
          20,
          new BlockShape(AttentionKind.CONV3, 3, 4, 5, 9),
          new BlockShape(AttentionKind.CONV1, 3, 4, 4, 8),
          BlockShape.msa(2, 4, 4, 12))),
  TOKENS_THAT_DO_NOT_ENTER(
      gray(
          1,
          20,
          BlockShape.msa(2, 4, 4, 12).with(new TokenRule.Enter(every(2))),
          BlockShape.msa(2, 4, 4, 12).with(new TokenRule.Enter(every(4))))),
  TOKENS_THAT_LEAVE(
      gray(
          1,
          20,
          BlockShape.msa(2, 4, 4, 12).with(new TokenRule.Leave(every(2))),
          new BlockShape(AttentionKind.SKIP, 0, 0, 0, 8).with(new TokenRule.Leave(every(4))),
          BlockShape.msa(2, 4, 4, 12))),
  SELECTED_TOKENS(
      gray(
          2,
          20,
          BlockShape.msa(2, 4, 4, 12),
          BlockShape.msa(2, 4, 4, 12).with(new TokenRule.Select(30)),
          BlockShape.msa(2, 4, 4, 12).with(new TokenRule.Select(11)),
          BlockShape.msa(2, 4, 4, 12))),
  EVERYTHING_IN_COLOUR(
      new VitArchitecture(
          24,
          4,
          3,
          7,
          2,
          20,
          6,
          1e-5,
          List.of(
              new BlockShape(AttentionKind.CONV3, 3, 4, 5, 9),
              new BlockShape(AttentionKind.CONV1, 3, 4, 4, 8),
              BlockShape.msa(3, 4, 6, 10)
                  .with(
                      new Wiring(
                          List.of(0, 3, 4, 11), List.of(1, 2, 10), List.of(5, 6), List.of(0, 7, 9)))
                  .with(new TokenRule.Leave(IntStream.range(0, 30).boxed().toList())),
              BlockShape.msa(1, 5, 3, 7)
                  .with(new TokenRule.Enter(IntStream.range(0, 24).boxed().toList())),
              new BlockShape(AttentionKind.SKIP, 0, 0, 0, 8)
                  .with(new TokenRule.Leave(IntStream.range(0, 20).boxed().toList())),
              BlockShape.msa(2, 3, 4, 6).with(new TokenRule.Select(7)),
              BlockShape.msa(2, 3, 4, 6))));

  private final VitArchitecture architecture;

  CutShapes(VitArchitecture architecture) {
    this.architecture = architecture;
  }

  VitArchitecture architecture() {
    return architecture;
  }

  /** Weights that are nowhere trivial: normal of deviation 0.3, norms around 1. */
  VitWeights weights() {
    return random(architecture, ordinal());
  }

  static VitWeights random(VitArchitecture architecture, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ParameterShapes.of(architecture)
        .forEach(
            (name, shape) -> {
              double mean = name.matches(".*norm\\d?\\.weight") ? 1 : 0;
              float[] values = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) (mean + 0.3 * random.nextGaussian());
              }
              tensors.put(name, new Tensor(shape, values));
            });
    return new VitWeights(architecture, tensors);
  }

  private static VitArchitecture gray(int prefixTokens, int embedding, BlockShape... blocks) {
    return new VitArchitecture(28, 4, 1, 10, prefixTokens, embedding, 6, 1e-6, List.of(blocks));
  }

  private static List<Integer> every(int step) {
    return IntStream.range(0, 50).filter(i -> i % step == 0).boxed().toList();
  }
}
