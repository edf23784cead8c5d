package dev.espalier.architecture;

import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.Floors;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Models, scores and plans that tests share. */
public final class Examples {

  /** The testbed of {@code methods/README.md} §8. */
  public static final VitArchitecture FASHION =
      VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384);

  public static final VitArchitecture TINY = VitArchitecture.uniform(28, 4, 1, 10, 16, 3, 2, 32);

  public static final VitArchitecture DEIT_SMALL =
      VitArchitecture.uniform(224, 16, 3, 1000, 384, 12, 6, 1536);

  private Examples() {}

  public static Importance importance(VitArchitecture base, Random random) {
    List<BlockImportance> blocks = new ArrayList<>();
    for (BlockShape shape : base.blocks()) {
      blocks.add(
          new BlockImportance(
              scores(shape.heads(), random),
              scores(shape.qkWidth(), random),
              scores(shape.vWidth(), random),
              scores(shape.mlpHidden(), random)));
    }
    return new Importance(scores(base.embedding(), random), blocks);
  }

  /** A plan with random widths between the floors and the base, aligned heads. */
  public static PruningPlan plan(VitArchitecture base, Random random) {
    List<BlockPlan> blocks = new ArrayList<>();
    for (BlockShape shape : base.blocks()) {
      blocks.add(
          BlockPlan.aligned(
              indices(UnitKind.HEAD, shape.heads(), random),
              indices(UnitKind.QK, shape.qkWidth(), random),
              indices(UnitKind.V, shape.vWidth(), random),
              indices(UnitKind.MLP, shape.mlpHidden(), random)));
    }
    return new PruningPlan(base, indices(UnitKind.EMBEDDING, base.embedding(), random), blocks);
  }

  private static double[] scores(int count, Random random) {
    return random.doubles(count).toArray();
  }

  private static List<Integer> indices(UnitKind kind, int width, Random random) {
    int floor = Floors.of(kind, width);
    List<Integer> all = new ArrayList<>(IntStream.range(0, width).boxed().toList());
    Collections.shuffle(all, random);
    return all.subList(0, floor + random.nextInt(width - floor + 1)).stream().sorted().toList();
  }
}
