package dev.espalier.pruning.patchslimming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.patchslimming.PatchSlimmingSettings.Criterion;
import dev.espalier.pruning.sparsity.GateTrials;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The loop of {@code methods/patch-slimming.md} §4, against errors taken one by one. */
class ToleranceTest {

  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;

  /** §12 e: the fewest patches, in the order of the scores, whose error is within the tolerance. */
  @Test
  void takesTheFirstCandidateWithinTheTolerance() {
    PatchSlimmingSettings settings = PatchSlimmingSettings.of(request(1), null);
    double[] errors = new double[17];
    try (Calibration calibration =
        new Calibration(
            TrainedTinyVit.IMAGES,
            TrainedTinyVit.weights(),
            settings.images(),
            settings.batchSize(),
            settings.seed())) {
      Measures measures = new Measures(TrainedTinyVit.TENSORS, calibration, settings);
      TokenSets sets = TokenSets.all(SHAPE);
      var weights = TrainedTinyVit.weights().tensors();
      double[] scores = measures.scores(1, sets, weights, Criterion.PATHS);
      for (int r = 0; r <= 16; r++) {
        errors[r] = measures.error(1, sets.with(1, sets.grown(1, scores, r)), weights);
      }
    }
    assertThat(errors[0]).isGreaterThan(errors[4]);
    for (int r : new int[] {0, 1, 4, 9, 15}) {
      int first = 0;
      while (errors[first] > errors[r]) {
        first++;
      }
      assertThat(patches(errors[r])).as("tolerance %s", errors[r]).isEqualTo(first);
    }
    double least = Arrays.stream(errors, 0, 16).min().orElseThrow();
    assertThat(patches(0.99 * least)).as("below all but the whole").isEqualTo(16);
  }

  /** What the search lets the last block but one keep. */
  private static int patches(double tolerance) {
    try (Search search = new PatchSlimming().search(request(tolerance))) {
      byte[] findings = GateTrials.finish(search).findings().orElseThrow();
      return PatchFindings.fromBytes(SHAPE, findings).patches()[1];
    }
  }

  private static SearchRequest request(double tolerance) {
    Map<String, Object> parameters = new HashMap<>(new PatchSlimming().descriptor().defaults());
    parameters.putAll(Map.of("targetKind", "macs", "keepRatio", 0.6, "images", 64L));
    parameters.putAll(Map.of("batchSize", 32L, "step", 1L, "epochs", 0L));
    parameters.putAll(Map.of("allocation", "tolerance", "tolerance", tolerance));
    return SearchRequest.of(TrainedTinyVit.weights(), parameters, 7).on(TrainedTinyVit.IMAGES);
  }
}
