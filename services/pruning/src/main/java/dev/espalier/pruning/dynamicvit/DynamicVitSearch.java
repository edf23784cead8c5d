package dev.espalier.pruning.dynamicvit;

import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.method.TrainedSearch;
import dev.espalier.pruning.surgery.Uncut;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.Map;
import java.util.Optional;

/** Joint training of the base and fresh predictors for one target. */
final class DynamicVitSearch extends TrainedSearch {

  private final VitWeights base;
  private final Stages stages;
  private final VitEngine engine;
  private final VitModel model;
  private final VitModel teacher;
  private final Sparsification sparsification;

  DynamicVitSearch(SearchRequest request) {
    SearchRequest.Images images = request.requireImages();
    DynamicVitSettings settings = DynamicVitSettings.of(request);
    this.base = request.base();
    VitArchitecture vit = base.architecture();
    this.stages =
        Stages.solve(
            vit,
            Stages.places(vit.depth(), settings.stages()),
            settings.targetKind(),
            settings.keepRatio(),
            1);
    PruningPlan plan = stages.plan(vit);
    Map<String, Tensor> predictors =
        Predictors.of(VitInitializer.weights(plan.uncutArchitecture(), request.seed())).tensors();
    this.engine = VitEngine.fast(images.tensors(), images.precision());
    this.model = VitModel.trainable(images.tensors(), Uncut.of(base, plan, predictors));
    this.teacher = VitModel.frozen(images.tensors(), base);
    this.sparsification = new Sparsification(settings, stages, request.seed());
    open(
        request,
        TrainingRun.of(images.tensors(), engine, model, images.dataset(), settings.recipe())
            .teacher(teacher)
            .hook(sparsification));
  }

  @Override
  protected Map<String, Double> seen() {
    return sparsification.seen();
  }

  @Override
  protected Result found() {
    VitWeights trained = model.weights();
    return new Result(
        Importance.none(base.architecture()),
        Optional.of(Predictors.of(trained).write(stages)),
        Optional.of(Predictors.without(trained, base)));
  }

  VitModel model() {
    return model;
  }

  Sparsification sparsification() {
    return sparsification;
  }

  Stages stages() {
    return stages;
  }

  @Override
  public void close() {
    super.close();
    teacher.close();
    model.close();
    engine.close();
  }
}
