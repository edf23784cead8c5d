package dev.espalier.pruning.patchslimming;

import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.datasets.EpochOrder;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.patchslimming.PatchSlimmingSettings.Criterion;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The top-down search ({@code methods/patch-slimming.md} §4): for each block from the last but one
 * to the first, tokens are scored, candidates for its mask are tried, and the block is trained for
 * each to reconstruct the unpruned features. With a budget, {@link Allocation} says beforehand how
 * many tokens each block lets out, and there is one candidate.
 *
 * <p>A step is one scoring, one error over all images, or one training batch.
 */
final class PatchSlimmingSearch implements Search {

  private static final double ALLOCATION_SHARE = 0.3;

  private final SearchRequest request;
  private final SearchRequest.Images images;
  private final PatchSlimmingSettings settings;
  private final VitArchitecture base;
  private final Calibration calibration;
  private final Measures measures;
  private final Optional<Allocation> allocation;
  private long allocated;
  private final SlimmingState state;
  private BlockPair pair;

  PatchSlimmingSearch(SearchRequest request, PatchSlimmingSettings settings) {
    this.request = request;
    this.settings = settings;
    this.images = request.requireImages();
    this.base = request.base().architecture();
    PatchSlimmingSettings.requireFits(base);
    // Refuses what cannot be met before it takes hours.
    PatchCounts.solve(base, PatchCounts.all(base), settings.keepRatio(), 1);
    this.calibration =
        new Calibration(
            images, request.base(), settings.images(), settings.batchSize(), settings.seed());
    this.measures = new Measures(images.tensors(), calibration, settings);
    Optional<Safetensors> checkpoint = request.checkpoint().map(Safetensors::fromBytes);
    this.state =
        checkpoint
            .map(file -> SlimmingState.read(file, request.base()))
            .orElseGet(() -> SlimmingState.start(request.base()));
    this.allocation =
        settings.toTolerance()
            ? Optional.empty()
            : Optional.of(
                new Allocation(
                    base,
                    settings.step(),
                    settings.keepRatio(),
                    unpruned(),
                    checkpoint.map(SlimmingState::memory).orElse(Map.of())));
    allocation.ifPresent(
        counts -> {
          for (long i = 0; i < state.allocated; i++) {
            counts.advance();
          }
        });
    allocated = state.allocated;
    if (state.updates > 0) {
      pair = openPair();
      pair.restore(checkpoint.orElseThrow().tensors(), state.updates);
    }
  }

  private Allocation.Measure unpruned() {
    Map<String, Tensor> weights = request.base().tensors();
    // Controls keep as many tokens as the method does.
    Criterion criterion =
        settings.criterion() == Criterion.AVERAGED ? Criterion.AVERAGED : Criterion.PATHS;
    return new Allocation.Measure() {
      @Override
      public double[] scores(int block, TokenSets sets) {
        return measures.scores(block, sets, weights, criterion);
      }

      @Override
      public double error(int block, TokenSets sets) {
        return measures.error(block, sets, weights);
      }
    };
  }

  @Override
  public boolean finished() {
    return state.block < 0;
  }

  @Override
  public void step() {
    if (finished()) {
      throw new IllegalStateException("all blocks are done");
    }
    if (allocation.isPresent() && !allocation.get().finished()) {
      allocation.get().advance();
      allocated++;
    } else if (state.scores[state.block] == null) {
      state.scores[state.block] =
          measures.scores(state.block, state.sets, state.weights, settings.criterion());
      propose(firstCandidate());
    } else if (trains() && state.updates < (long) settings.epochs() * calibration.batches()) {
      train();
    } else {
      judge();
    }
    state.steps++;
  }

  private int firstCandidate() {
    int behind = state.sets.patches(state.block + 1);
    return allocation.isPresent() ? Math.max(behind, budget()[state.block]) : behind;
  }

  private int[] budget() {
    return PatchCounts.solve(base, allocation.orElseThrow().patches(), settings.keepRatio(), 1);
  }

  private void propose(int patches) {
    state.candidate = patches;
    state.updates = 0;
    closePair();
  }

  /** The sets with the candidate. */
  private TokenSets candidate() {
    int l = state.block;
    return state.sets.with(l, state.sets.grown(l, state.scores[l], state.candidate));
  }

  /** A block that drops nothing is as it was. */
  private boolean trains() {
    return state.candidate < base.patches();
  }

  private BlockPair openPair() {
    Map<String, Tensor> weights = new LinkedHashMap<>(state.weights);
    if (settings.resets()) {
      weights.replaceAll(
          (name, tensor) ->
              name.startsWith("blocks." + state.block + ".")
                  ? request.base().tensor(name)
                  : tensor);
    }
    return new BlockPair(images.tensors(), calibration, weights, candidate(), state.block);
  }

  private void train() {
    if (pair == null) {
      pair = openPair();
    }
    int epoch = (int) (state.updates / calibration.batches());
    int number = (int) (state.updates % calibration.batches());
    int shuffle = 1 + state.block * settings.epochs() + epoch;
    int[] order = EpochOrder.of(calibration.size(), settings.seed(), shuffle);
    double loss =
        pair.train(
            calibration.batch(number, order),
            settings.learningRate(),
            settings.clipNorm(),
            state.steps);
    state.updates++;
    request.observer().onStep(state.steps + 1, Map.of("loss", loss));
  }

  private void judge() {
    if (pair == null) {
      pair = openPair();
    }
    int l = state.block;
    double error = measures.scaled(l, candidate(), pair.error());
    request
        .observer()
        .onStep(
            state.steps + 1,
            Map.of(
                "reconstruction_error", error,
                "slimmed_block", (double) l,
                "kept_patches", (double) state.candidate));
    boolean accepted = allocation.isPresent() || error <= settings.tolerance() || !trains();
    if (accepted || !settings.resets()) {
      state.weights.putAll(pair.trained());
    }
    if (!accepted) {
      propose(Math.min(base.patches(), state.candidate + settings.step()));
      return;
    }
    if (!trains()) { // drops nothing, so it stays as it was
      state.weights.replaceAll(
          (name, tensor) ->
              name.startsWith("blocks." + l + ".") ? request.base().tensor(name) : tensor);
    }
    state.errors[l] = error;
    state.sets = candidate();
    state.block--;
    state.updates = 0;
    closePair();
  }

  private void closePair() {
    if (pair != null) {
      pair.close();
      pair = null;
    }
  }

  @Override
  public long steps() {
    return state.steps;
  }

  @Override
  public double progress() {
    if (finished()) {
      return 1;
    }
    double share = allocation.isPresent() ? ALLOCATION_SHARE : 0;
    if (allocation.isPresent() && !allocation.get().finished()) {
      return share * allocation.get().progress();
    }
    int blocks = base.depth() - 1;
    return share + (1 - share) * (blocks - 1 - state.block) / blocks;
  }

  @Override
  public byte[] checkpoint() {
    Map<String, Tensor> training = pair == null || state.updates == 0 ? Map.of() : pair.state();
    state.allocated = allocated;
    return state.write(
        allocation.map(Allocation::memory).orElse(Map.of()), training, request.base());
  }

  @Override
  public Result result() {
    if (!finished()) {
      throw new IllegalStateException("the search is not finished");
    }
    int[] patches = new int[base.depth()];
    Arrays.setAll(patches, state.sets::patches);
    if (allocation.isPresent()) {
      patches[base.depth() - 1] = budget()[base.depth() - 1];
    }
    PatchFindings findings =
        new PatchFindings(
            patches, Arrays.asList(state.scores), Arrays.stream(state.errors).boxed().toList());
    return new Result(
        Importance.none(base),
        Optional.of(findings.toBytes()),
        Optional.of(new VitWeights(base, state.weights)));
  }

  SlimmingState state() {
    return state;
  }

  @Override
  public void close() {
    closePair();
    calibration.close();
  }
}
