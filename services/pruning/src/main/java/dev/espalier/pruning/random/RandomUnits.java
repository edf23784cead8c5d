package dev.espalier.pruning.random;

import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.method.OneShotSearch;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.method.UniformWidths;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Control: scores are random numbers; the widths are those of the magnitude control. */
public final class RandomUnits implements PruningMethod {

  @Override
  public MethodDescriptor descriptor() {
    return Methods.RANDOM;
  }

  @Override
  public Search search(SearchRequest request) {
    return new OneShotSearch(() -> scores(request.base().architecture(), request.seed()));
  }

  private static Importance scores(VitArchitecture vit, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] embedding = scores(vit.embedding(), random);
    List<BlockImportance> blocks = new ArrayList<>();
    for (BlockShape shape : vit.blocks()) {
      blocks.add(
          new BlockImportance(
              scores(shape.heads(), random),
              scores(shape.qkWidth(), random),
              scores(shape.vWidth(), random),
              scores(shape.mlpHidden(), random)));
    }
    return new Importance(embedding, blocks);
  }

  private static double[] scores(int units, SplittableRandom random) {
    double[] scores = new double[units];
    for (int i = 0; i < units; i++) {
      scores[i] = (float) random.nextDouble();
    }
    return scores;
  }

  @Override
  public PruningPlan plan(PlanRequest request) {
    return UniformWidths.plan(request);
  }
}
