package dev.espalier.pruning.nvit;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.Pool;
import dev.espalier.pruning.nvit.GlobalRanking.ChunkSizes;
import dev.espalier.pruning.training.TrainingCheckpoint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where an iterative search stands: masked weights, optimizer, position in the data, which units
 * live and what is known of them. It is a training checkpoint with NViT's memory in it, so that a
 * link of the chain, an attempt at a link, and the plan all read the same file.
 *
 * @param checkpoint of the training underneath
 * @param state NViT's own
 */
record Trajectory(TrainingCheckpoint checkpoint, State state) {

  /**
   * Reads a file.
   *
   * @throws IllegalArgumentException when it is none, or of another base
   */
  static Trajectory read(VitArchitecture base, byte[] bytes) {
    TrainingCheckpoint checkpoint = TrainingCheckpoint.fromBytes(bytes);
    return new Trajectory(checkpoint, State.of(base, checkpoint.hookState()));
  }

  /**
   * What NViT remembers, beside its scores.
   *
   * @param pruned whether anything was ever removed
   * @param finished whether the link that wrote this was at its end
   * @param chunks that the search removes
   * @param meanScore how it ranks them
   * @param eta what latency weighs in that
   */
  record State(
      boolean pruned,
      boolean finished,
      LiveUnits units,
      ChunkSizes chunks,
      boolean meanScore,
      Eta eta) {

    private static final String FLAGS = "nvit.flags";
    private static final String CHUNKS = "nvit.chunks";
    private static final String ETA = "nvit.eta";

    Map<String, Tensor> toTensors(RunningScores scores) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      tensors.put(FLAGS, RunningScores.vector(pruned ? 1 : 0, finished ? 1 : 0, meanScore ? 1 : 0));
      tensors.put(
          CHUNKS,
          RunningScores.vector(
              chunks.embedding(), chunks.head(), chunks.qk(), chunks.v(), chunks.mlp()));
      if (eta.weight() != 0) { // else left out: plain NViT's files stay as they were
        tensors.put(ETA, RunningScores.vector((float) eta.weight(), eta.perMedian() ? 1 : 0));
      }
      for (Pool pool : units.pools()) {
        float[] live = new float[pool.width(units.base())];
        units.units(pool).forEach(unit -> live[unit] = 1);
        tensors.put(pool + ".live", RunningScores.vector(live));
      }
      scores.save(tensors);
      return tensors;
    }

    static State of(VitArchitecture base, Map<String, Tensor> tensors) {
      float[] flags = RunningScores.values(tensors, FLAGS, 3);
      float[] sizes = RunningScores.values(tensors, CHUNKS, 5);
      LiveUnits units = new LiveUnits(base);
      for (Pool pool : units.pools()) {
        float[] live = RunningScores.values(tensors, pool + ".live", pool.width(base));
        List<Integer> out = new ArrayList<>();
        for (int unit = 0; unit < live.length; unit++) {
          if (live[unit] == 0) {
            out.add(unit);
          }
        }
        units.remove(pool, out);
      }
      return new State(
          flags[0] != 0,
          flags[1] != 0,
          units,
          new ChunkSizes(
              (int) sizes[0], (int) sizes[1], (int) sizes[2], (int) sizes[3], (int) sizes[4]),
          flags[2] != 0,
          Eta.of(tensors));
    }
  }

  /**
   * What latency weighs in the ranking.
   *
   * @param weight 0 for nothing
   * @param perMedian what it is per, see {@link LatencyGain}
   */
  record Eta(double weight, boolean perMedian) {

    static final Eta NONE = new Eta(0, false);

    private static Eta of(Map<String, Tensor> tensors) {
      if (!tensors.containsKey(State.ETA)) {
        return NONE;
      }
      float[] values = RunningScores.values(tensors, State.ETA, 2);
      return new Eta(values[0], values[1] != 0);
    }
  }
}
