package dev.espalier.pruning.wdpruning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.tensor.HostArrays;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Scores S of all units and thresholds beta of all layers as parameters, and the masks that follow
 * ({@code methods/wdpruning.md} §2). The mask keeps the highest scores; backwards it is straight
 * through to both:
 *
 * <pre>
 * mask = stop(hard) + (S - stop(S)) + stop(hard) (beta - stop(beta))
 * </pre>
 */
final class WidthMasks {

  private static final String THRESHOLDS = "wdpruning.thresholds";
  private static final double NOISE = 1e-3;

  private final VitArchitecture vit;
  private final int roundTo;
  private final NDArray thresholds; // (L, 4)
  private final List<List<NDArray>> scores = new ArrayList<>(); // L lists of 4, each (n)

  /** Thresholds at {@code start}; scores near 0, with noise that breaks their ties. */
  WidthMasks(VitArchitecture vit, int roundTo, double start, long seed, NDManager manager) {
    this.vit = vit;
    this.roundTo = roundTo;
    this.thresholds = manager.full(new Shape(vit.depth(), Sublayer.COUNT), (float) start);
    thresholds.setRequiresGradient(true);
    SplittableRandom random = new SplittableRandom(seed);
    for (BlockShape block : vit.blocks()) {
      List<NDArray> ofBlock = new ArrayList<>();
      for (Sublayer layer : Sublayer.values()) {
        float[] noise = new float[layer.units(block, vit.embedding())];
        for (int i = 0; i < noise.length; i++) {
          noise[i] = (float) (NOISE * random.nextGaussian());
        }
        NDArray array = manager.create(noise);
        array.setRequiresGradient(true);
        ofBlock.add(array);
      }
      scores.add(ofBlock);
    }
  }

  /** All parameters by name. */
  Map<String, NDArray> parameters() {
    Map<String, NDArray> parameters = new LinkedHashMap<>();
    parameters.put(THRESHOLDS, thresholds);
    for (int l = 0; l < vit.depth(); l++) {
      for (Sublayer layer : Sublayer.values()) {
        String name = "wdpruning.blocks.%d.%s".formatted(l, layer.name().toLowerCase());
        parameters.put(name, scores.get(l).get(layer.ordinal()));
      }
    }
    return parameters;
  }

  NDArray thresholds() {
    return thresholds;
  }

  /** Thresholds on the host, (L, 4). */
  double[][] betas() {
    float[] flat = HostArrays.floats(thresholds);
    double[][] betas = new double[vit.depth()][Sublayer.COUNT];
    for (int i = 0; i < flat.length; i++) {
      betas[i / Sublayer.COUNT][i % Sublayer.COUNT] = flat[i];
    }
    return betas;
  }

  /** Scores on the host, (L, 4, n). */
  float[][][] hostScores() {
    float[][][] host = new float[vit.depth()][Sublayer.COUNT][];
    for (int l = 0; l < vit.depth(); l++) {
      for (int i = 0; i < Sublayer.COUNT; i++) {
        host[l][i] = VitModel.host(scores.get(l).get(i)).values();
      }
    }
    return host;
  }

  /**
   * The masks as gates: those of the head's query, key and value rows, of the projection's rows, of
   * fc1's rows before the GELU and of fc2's rows; biases go with their rows.
   *
   * @param learning whether gradients flow to scores and thresholds
   * @param step owns the gates
   */
  Gates gates(NDManager step, boolean learning) {
    double[][] betas = betas();
    NDArray shift = learning ? zero(thresholds, step) : null; // (L, 4)
    List<Gates.Block> blocks = new ArrayList<>();
    for (int l = 0; l < vit.depth(); l++) {
      NDArray[] masks = new NDArray[Sublayer.COUNT];
      for (Sublayer layer : Sublayer.values()) {
        int i = layer.ordinal();
        NDArray s = scores.get(l).get(i);
        NDArray hard = hard(layer, s, betas[l][i], step); // (n)
        masks[i] =
            learning ? mask(hard, zero(s, step), shift.get(l + "," + i + ":" + (i + 1))) : hard;
      }
      blocks.add(block(vit.blocks().get(l), masks, step));
    }
    return new Gates(null, null, blocks);
  }

  private NDArray hard(Sublayer layer, NDArray scores, double beta, NDManager step) {
    float[] host = HostArrays.floats(scores);
    int round = layer == Sublayer.QKV ? 1 : roundTo;
    float[] hard = new float[host.length];
    Threshold.best(host, Threshold.kept(Threshold.keptShare(beta), host.length, round))
        .forEach(unit -> hard[unit] = 1);
    return step.create(hard);
  }

  /**
   * The hard mask, with the gradients of §2.
   *
   * @param hard 0 or 1, (n)
   * @param scores zeros that pass their gradient on to S, (n)
   * @param beta a zero that passes its gradient on to beta, (1)
   */
  static NDArray mask(NDArray hard, NDArray scores, NDArray beta) {
    return hard.add(scores).add(hard.mul(beta));
  }

  /** {@code x - stop(x)}: zeros on the step's manager, with x's gradient. */
  static NDArray zero(NDArray x, NDManager step) {
    NDArray stopped = x.stopGradient();
    NDArray zero = x.sub(stopped);
    stopped.attach(step);
    zero.attach(step);
    return zero;
  }

  /**
   * A head's mask m stands before its queries, keys and values: m^2 at the queries is m at both.
   */
  private static Gates.Block block(BlockShape shape, NDArray[] masks, NDManager step) {
    int H = shape.heads();
    NDArray head = masks[Sublayer.QKV.ordinal()].reshape(H, 1); // (H, 1)
    NDArray qk = head.mul(head).broadcast(new Shape(H, shape.qkWidth())); // (H, q)
    NDArray v = head.broadcast(new Shape(H, shape.vWidth())); // (H, v)
    return new Gates.Block(null, null, qk, v, masks[Sublayer.FC1.ordinal()])
        .wired(null, masks[Sublayer.PROJ.ordinal()], null, masks[Sublayer.FC2.ordinal()]);
  }
}
