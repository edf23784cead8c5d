package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDManager;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenFlow;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.vit.Gates;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Small models on which every width differs, with weights that are nowhere trivial. */
public final class TinyVit {

  /** Three blocks of unequal widths, the second without attention. */
  public static final VitArchitecture UNEQUAL =
      new VitArchitecture(
          8,
          4,
          1,
          5,
          1,
          12,
          6,
          1e-6,
          List.of(
              new BlockShape(AttentionKind.MSA, 3, 4, 6, 20),
              new BlockShape(AttentionKind.SKIP, 0, 0, 0, 8),
              new BlockShape(AttentionKind.MSA, 1, 5, 3, 7)));

  /**
   * 16 patches; blocks with convolutions, narrowed branches, and tokens that leave, do not enter,
   * or are selected.
   */
  public static final VitArchitecture VARIED =
      new VitArchitecture(
          16,
          4,
          1,
          5,
          2,
          12,
          6,
          1e-6,
          List.of(
              new BlockShape(AttentionKind.CONV3, 3, 4, 5, 9),
              new BlockShape(AttentionKind.CONV1, 3, 4, 4, 8),
              new BlockShape(AttentionKind.MSA, 3, 4, 6, 10)
                  .with(
                      new Wiring(
                          List.of(0, 3, 4, 11), List.of(1, 2, 10), List.of(5, 6), List.of(0, 7, 9)))
                  .with(new TokenRule.Leave(List.of(0, 1, 2, 4, 5, 6, 7, 9, 10, 12, 13, 17))),
              new BlockShape(AttentionKind.MSA, 1, 5, 3, 7)
                  .with(new TokenRule.Enter(List.of(0, 1, 2, 5, 6, 9, 10, 12, 17))),
              new BlockShape(AttentionKind.SKIP, 0, 0, 0, 8)
                  .with(new TokenRule.Leave(List.of(0, 1, 2, 5, 9, 10, 12, 17))),
              new BlockShape(AttentionKind.MSA, 2, 3, 4, 6).with(new TokenRule.Select(3)),
              new BlockShape(AttentionKind.MSA, 2, 3, 4, 6)));

  private TinyVit() {}

  /** Normal numbers of deviation 0.3, norms around 1. */
  public static VitWeights weights(VitArchitecture architecture, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ParameterShapes.of(architecture)
        .forEach(
            (name, shape) -> {
              double mean = name.matches(".*norm\\d?\\.weight") ? 1 : 0;
              int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
              tensors.put(name, new Tensor(shape, normal(random, size, mean, 0.3)));
            });
    return new VitWeights(architecture, tensors);
  }

  public static float[] normal(SplittableRandom random, int size, double mean, double deviation) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    return values;
  }

  /** Gates of random numbers, and a random half of the embedding kept. */
  static Gates gates(VitArchitecture vit, NDManager manager, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] kept = new float[vit.embedding()];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = i % 2;
    }
    List<Gates.Block> blocks = new ArrayList<>();
    for (BlockShape shape : vit.blocks()) {
      boolean attends = shape.attention() == AttentionKind.MSA;
      int H = shape.heads();
      blocks.add(
          new Gates.Block(
              manager.create(normal(random, 2, 1, 0.3)),
              attends ? manager.create(normal(random, H, 1, 0.3)) : null,
              attends
                  ? manager.create(normal(random, H * shape.qkWidth(), 1, 0.3)).reshape(H, -1)
                  : null,
              attends
                  ? manager.create(normal(random, H * shape.vWidth(), 1, 0.3)).reshape(H, -1)
                  : null,
              manager.create(normal(random, shape.mlpHidden(), 1, 0.3))));
    }
    List<TokenFlow.Block> flow = vit.flow().blocks();
    for (int l = 0; l < blocks.size(); l++) {
      int d = vit.embedding();
      int in = flow.get(l).in();
      boolean square = in == flow.get(l).out() && vit.blocks().get(l).attention().kernel() == 0;
      float[] keys = normal(random, in, 1, 0.3);
      Arrays.fill(keys, 0, 2, 0);
      blocks.set(
          l,
          blocks
              .get(l)
              .withHidden(manager.create(normal(random, vit.blocks().get(l).mlpHidden(), 1, 0.3)))
              .wired(
                  manager.create(normal(random, d, 1, 0.3)),
                  manager.create(normal(random, d, 1, 0.3)),
                  manager.create(normal(random, d, 1, 0.3)),
                  manager.create(normal(random, d, 1, 0.3)))
              .onTokens(
                  square ? manager.create(normal(random, in, 1, 0.3)) : null,
                  square ? manager.create(keys) : null));
    }
    return new Gates(
        manager.create(normal(random, vit.embedding(), 1, 0.3)), manager.create(kept), blocks);
  }
}
