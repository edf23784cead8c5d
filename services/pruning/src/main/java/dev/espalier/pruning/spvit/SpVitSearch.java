package dev.espalier.pruning.spvit;

import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.method.TrainedSearch;
import dev.espalier.pruning.training.Evaluation;
import dev.espalier.pruning.training.LearningRate;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** One training of gates and weights for one target, and the convolutions it leads to. */
final class SpVitSearch extends TrainedSearch {

  private final VitWeights base;
  private final SpVitSettings settings;
  private final SearchRequest.Images images;
  private final VitEngine engine;
  private final VitModel model;
  private final SinglePathTraining training;

  SpVitSearch(SearchRequest request) {
    this.base = request.base();
    this.images = request.requireImages();
    this.settings = SpVitSettings.of(request);
    VitArchitecture vit = base.architecture();
    OpenGates.requirePlain(vit);
    requireReachable(vit);
    this.engine = VitEngine.fast(images.tensors(), images.precision());
    this.model = VitModel.trainable(images.tensors(), base);
    this.training =
        new SinglePathTraining(
            vit, new Supernet(vit, settings.strict(), model.manager()), settings, request.seed());
    open(
        request,
        TrainingRun.of(images.tensors(), engine, model, images.dataset(), settings.recipe())
            .learningRate(LearningRate.constant(settings.recipe().learningRate()))
            .hook(training));
  }

  /** A target below the floor is refused before anything is trained. */
  private void requireReachable(VitArchitecture vit) {
    float[][] operator = new float[vit.depth()][3];
    float[][] hidden = new float[vit.depth()][];
    for (int l = 0; l < hidden.length; l++) {
      hidden[l] = new float[vit.blocks().get(l).mlpHidden()];
    }
    plan(new Findings(operator, hidden, Map.of()));
  }

  private PruningPlan plan(Findings findings) {
    int alignment =
        ((Number) Methods.SPVIT.parameter("alignment").orElseThrow().defaultValue()).intValue();
    return new OpenGates(base.architecture(), findings, alignment)
        .plan(settings.targetKind(), settings.keepRatio());
  }

  @Override
  protected Map<String, Double> seen() {
    return Map.of(settings.targetKind().text() + "_keep_ratio", training.keepRatio());
  }

  @Override
  protected Map<String, Double> seen(Evaluation validation) {
    Map<String, Double> values = new TreeMap<>();
    values.put("decided_top1_accuracy", validation.top1Accuracy());
    double[][] p = training.probabilities("operator");
    for (int l = 0; l < p.length; l++) {
      for (int i = 0; i < p[l].length; i++) {
        values.put("gate_%d_block_%d".formatted(i + 1, l), p[l][i]);
      }
    }
    return values;
  }

  @Override
  protected Result found() {
    long updates = run().totalSteps() / settings.recipe().epochs();
    Findings gates =
        new Findings(
            training.averages("operator", updates), training.averages("hidden", updates), Map.of());
    VitWeights weights = settings.pretrained() ? base : model.weights();
    Map<String, Tensor> convolutions =
        new Materialisation(images, settings).convolutions(weights, values(), plan(gates));
    Findings findings = new Findings(gates.operator(), gates.hidden(), convolutions);
    return new Result(importance(findings), Optional.of(findings.toBytes()), Optional.of(weights));
  }

  /** The search's own mixing and norms; where weights restart, they do too. */
  private Map<String, Tensor> values() {
    Map<String, Tensor> values = new LinkedHashMap<>(training.supernet().values());
    if (settings.pretrained()) {
      values.replaceAll(
          (name, tensor) -> {
            boolean ones =
                name.endsWith(".mixing") || name.endsWith(".gamma") || name.endsWith(".variance");
            float[] fresh = new float[tensor.values().length];
            Arrays.fill(fresh, ones ? 1 : 0);
            return Supernet.isGate(name) ? tensor : new Tensor(tensor.shape(), fresh);
          });
    }
    return values;
  }

  /** Attention is as important as the least of its gates; hidden units as theirs. */
  private Importance importance(Findings findings) {
    VitArchitecture vit = base.architecture();
    List<BlockImportance> blocks = new ArrayList<>();
    for (int l = 0; l < vit.depth(); l++) {
      BlockShape shape = vit.blocks().get(l);
      float[] gates = findings.operator()[l];
      double[] heads = new double[shape.heads()];
      Arrays.fill(heads, Math.min(gates[0], Math.min(gates[1], gates[2])));
      double[] hidden = new double[shape.mlpHidden()];
      for (int j = 0; j < hidden.length; j++) {
        hidden[j] = findings.hidden()[l][j];
      }
      blocks.add(
          new BlockImportance(
              heads, new double[shape.qkWidth()], new double[shape.vWidth()], hidden));
    }
    return new Importance(new double[vit.embedding()], blocks);
  }

  SinglePathTraining training() {
    return training;
  }

  VitModel model() {
    return model;
  }

  @Override
  public void close() {
    super.close();
    model.close();
    engine.close();
  }
}
