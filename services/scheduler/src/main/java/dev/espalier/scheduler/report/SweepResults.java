package dev.espalier.scheduler.report;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * All that a sweep has come to: the one document behind {@code GET /sweeps/{id}/results}, {@code
 * report.json}, {@code report.csv} and {@code report.html}.
 *
 * <p>It is plain data, a pure function of events and artifacts: no clock, no database. Measurements
 * carry the names that the evaluate stage gave them ({@code top1_accuracy} in [0, 1], {@code
 * latency_p50_ms}, ...).
 */
public record SweepResults(
    Header sweep,
    Base base,
    List<CellResult> cells,
    List<TrialResult> trials,
    List<StageResult> stages,
    Sharing sharing,
    Conditions conditions,
    List<KeptPatches> keptPatches) {

  public SweepResults {
    cells = List.copyOf(cells);
    trials = List.copyOf(trials);
    stages = List.copyOf(stages);
    keptPatches = keptPatches == null ? List.of() : List.copyOf(keptPatches);
  }

  /** Results of methods that keep all tokens. */
  public SweepResults(
      Header sweep,
      Base base,
      List<CellResult> cells,
      List<TrialResult> trials,
      List<StageResult> stages,
      Sharing sharing,
      Conditions conditions) {
    this(sweep, base, cells, trials, stages, sharing, conditions, List.of());
  }

  /** These results with pictures. */
  public SweepResults with(List<KeptPatches> pictures) {
    return new SweepResults(sweep, base, cells, trials, stages, sharing, conditions, pictures);
  }

  /**
   * What was asked for.
   *
   * @param state ACCEPTED, RUNNING, PAUSED, CAPPED, COMPLETED or CANCELLED
   * @param reason why it stopped early; null if it did not
   * @param endedAt null while the sweep is unfinished
   * @param spec the canonical specification, defaults filled in
   */
  public record Header(
      String id,
      String name,
      String team,
      String state,
      String reason,
      int run,
      Source model,
      Source dataset,
      Instant submittedAt,
      Instant endedAt,
      Map<String, Object> spec) {}

  /** A registered model or dataset, by the digest it had at acceptance. */
  public record Source(String name, String sha256) {}

  /**
   * The model that is pruned, as measured beside the cut models: medians over the sessions.
   *
   * @param widths null where its shape is not known
   * @param measurements {@code params}, {@code macs}, {@code top1_accuracy}, {@code
   *     latency_p50_ms}, {@code throughput_images_per_s}, as far as measured
   */
  public record Base(Widths widths, Map<String, Double> measurements) {}

  /** One configuration over its seeds. */
  public record CellResult(
      String cellId,
      String method,
      String redistribution,
      String targetKind,
      double keepRatio,
      int trials,
      int succeeded,
      Map<String, Statistic> measurements) {}

  /**
   * One configuration with one seed.
   *
   * @param state PLANNED, RUNNING, SUCCEEDED, FAILED, CANCELLED or STOPPED
   * @param stages identities in the order in which the trial walks them
   * @param curve accuracy after each epoch of the last recovery; epoch 0 is before the first step
   * @param recoveries one for each method of the trial, in the order in which they follow
   * @param pruned widths after the cut; null where there is no plan yet
   * @param redistributed widths after redistribution; null without redistribution
   * @param outputs artifacts by "kind/output", for instance {@code finetune/model}
   * @param failure null unless the trial failed
   * @param ruling null where neither strategy nor stopping rule said anything of it
   */
  public record TrialResult(
      String trialId,
      String cellId,
      String method,
      String redistribution,
      String targetKind,
      double keepRatio,
      long seed,
      String state,
      List<String> stages,
      Map<String, Double> measurements,
      List<Epoch> curve,
      List<Recovery> recoveries,
      Widths pruned,
      Widths redistributed,
      Map<String, Artifact> outputs,
      Failure failure,
      Ruling ruling) {

    public TrialResult {
      recoveries = recoveries == null ? List.of() : List.copyOf(recoveries);
    }

    /** A trial that was neither promoted nor stopped. */
    public TrialResult(
        String trialId,
        String cellId,
        String method,
        String redistribution,
        String targetKind,
        double keepRatio,
        long seed,
        String state,
        List<String> stages,
        Map<String, Double> measurements,
        List<Epoch> curve,
        List<Recovery> recoveries,
        Widths pruned,
        Widths redistributed,
        Map<String, Artifact> outputs,
        Failure failure) {
      this(
          trialId,
          cellId,
          method,
          redistribution,
          targetKind,
          keepRatio,
          seed,
          state,
          stages,
          measurements,
          curve,
          recoveries,
          pruned,
          redistributed,
          outputs,
          failure,
          null);
    }
  }

  /**
   * The finetune behind one method.
   *
   * @param method that cut the model before it
   * @param keepRatio that the method was asked for, of the whole base
   * @param curve as that of the trial
   */
  public record Recovery(String stageId, String method, double keepRatio, List<Epoch> curve) {
    public Recovery {
      curve = List.copyOf(curve);
    }
  }

  /**
   * What strategy and stopping rule decided about a trial.
   *
   * @param rung that it was promoted to, from 0
   * @param stopRule which rule ended it; null if none did
   * @param stopEpoch after which it was ended; null if it was not
   * @param stopReason in a sentence; null if it was not
   */
  public record Ruling(int rung, String stopRule, Integer stopEpoch, String stopReason) {}

  /** Accuracies in [0, 1] on the validation images after {@code epoch} epochs. */
  public record Epoch(
      int epoch, long step, double top1Accuracy, Double validationLoss, Double trainLoss) {}

  /** Widths of a ViT, per block. */
  public record Widths(int embedding, List<BlockWidths> blocks) {
    public Widths {
      blocks = List.copyOf(blocks);
    }
  }

  /** {@code qk} and {@code v} are per head. A removed block has zeros. */
  public record BlockWidths(int heads, int qk, int v, int mlp) {}

  /** A file in the artifact store. */
  public record Artifact(String sha256, long sizeBytes) {}

  /** Why something ended badly, and who has to act. */
  public record Failure(String category, String code, String message) {}

  /**
   * One stage that the sweep's trials walk.
   *
   * @param claimants trials of this sweep that walk it
   * @param reused whether it had been done before this sweep asked for it
   * @param wallSeconds null while it is not done
   */
  public record StageResult(
      String stageId,
      String kind,
      String algorithm,
      int algorithmVersion,
      long seed,
      String state,
      int claimants,
      boolean reused,
      int attempts,
      Double wallSeconds,
      String device,
      Instant startedAt,
      Instant endedAt,
      Map<String, Double> measurements) {}

  /**
   * What stage identities saved.
   *
   * @param asked stages that the trials would run one by one
   * @param distinct stages that are really different
   * @param reused of those, done before this sweep asked
   * @param spentSeconds wall time of the stages that this sweep ran
   * @param savedSeconds wall time that sharing and reuse saved
   */
  public record Sharing(
      int asked, int distinct, int reused, double spentSeconds, double savedSeconds) {}

  /**
   * How latency and throughput were measured; null where it is not known.
   *
   * @param onnxRuntimeVersion null where ONNX Runtime was not measured
   */
  public record Conditions(
      String device,
      String host,
      String precision,
      Integer threads,
      String engineVersion,
      Integer batchSize,
      Integer runs,
      Integer warmUpRuns,
      Integer testImages,
      String onnxRuntimeVersion) {}
}
