package dev.espalier.scheduler.api;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.espalier.scheduler.report.KeptPatches;
import dev.espalier.scheduler.report.SweepResults.Artifact;
import dev.espalier.scheduler.report.SweepResults.TrialResult;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jboss.logging.Logger;

/** Finds what evaluations recorded of kept patches, for the first seed of each configuration. */
final class KeptPatchesReader {

  private static final Logger LOG = Logger.getLogger(KeptPatchesReader.class);

  /** A report with more pictures is no longer looked at. */
  private static final int CONFIGURATIONS = 40;

  private static final ObjectMapper MAPPER =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  private KeptPatchesReader() {}

  /** What the evaluator wrote under {@code keptPatches}. */
  private record Entry(
      int side,
      int channels,
      int grid,
      List<KeptPatches.Picture> images,
      List<KeptPatches.Stage> stages) {}

  /**
   * Reads the evaluations of succeeded trials.
   *
   * @param evaluation the record in an artifact, empty where it cannot be read
   */
  static List<KeptPatches> read(
      List<TrialResult> trials, Function<Artifact, Map<?, ?>> evaluation) {
    List<KeptPatches> found = new ArrayList<>();
    Set<String> cells = new HashSet<>();
    for (TrialResult trial : trials) {
      Artifact artifact = trial.outputs().get("evaluate/evaluation");
      if (artifact == null || found.size() == CONFIGURATIONS || !cells.add(trial.cellId())) {
        continue;
      }
      if (evaluation.apply(artifact).get("keptPatches") instanceof Map<?, ?> recorded) {
        try {
          Entry entry = MAPPER.convertValue(recorded, Entry.class);
          found.add(
              new KeptPatches(
                  trial.cellId(),
                  entry.side,
                  entry.channels,
                  entry.grid,
                  entry.images,
                  entry.stages));
        } catch (IllegalArgumentException | NullPointerException e) {
          LOG.warnf("evaluation %s has no sound pictures: %s", artifact.sha256(), e.getMessage());
        }
      }
    }
    return found;
  }
}
