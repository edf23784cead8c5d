package dev.espalier.pruning.vitslim;

import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.weights.VitWeights;
import java.util.List;

/** Attention of one block in plain loops: every head at its own width, no padding, no batches. */
final class HeadByHead {

  private final String name;
  private final VitWeights weights;
  private final int d;
  private final int heads;
  private final int width;

  HeadByHead(VitWeights weights, int block) {
    this.weights = weights;
    this.name = "blocks." + block + ".";
    this.d = weights.architecture().embedding();
    this.heads = weights.architecture().blocks().get(block).heads();
    this.width = weights.architecture().blocks().get(block).vWidth();
  }

  /** x plus what those heads add, (T, d). */
  float[] attend(float[] x, List<HeadPlan> kept) {
    int tokens = x.length / d;
    double[][] y = normed(x, tokens);
    double[][] sum = new double[tokens][d];
    for (HeadPlan head : kept) {
      double[][] queries = project(y, 0, head.head(), head.qk());
      double[][] keys = project(y, 1, head.head(), head.qk());
      double[][] values = project(y, 2, head.head(), head.v());
      float[] proj = weights.tensor(name + "attn.proj.weight").values(); // (d, H * width)
      for (int t = 0; t < tokens; t++) {
        double[] share = shares(queries[t], keys);
        for (int c = 0; c < head.v().size(); c++) {
          double mixed = 0;
          for (int s = 0; s < tokens; s++) {
            mixed += share[s] * values[s][c];
          }
          int column = head.head() * width + head.v().get(c);
          for (int i = 0; i < d; i++) {
            sum[t][i] += mixed * proj[i * heads * width + column];
          }
        }
      }
    }
    float[] bias = weights.tensor(name + "attn.proj.bias").values();
    float[] out = new float[x.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) (x[i] + sum[i / d][i % d] + bias[i % d]);
    }
    return out;
  }

  private double[] shares(double[] query, double[][] keys) {
    double[] powers = new double[keys.length];
    double total = 0;
    for (int s = 0; s < keys.length; s++) {
      double logit = 0;
      for (int c = 0; c < query.length; c++) {
        logit += query[c] * keys[s][c];
      }
      powers[s] = Math.exp(logit / Math.sqrt(weights.architecture().scaleWidth()));
      total += powers[s];
    }
    for (int s = 0; s < keys.length; s++) {
      powers[s] /= total;
    }
    return powers;
  }

  private double[][] project(double[][] y, int part, int head, List<Integer> channels) {
    float[] weight = weights.tensor(name + "attn.qkv.weight").values();
    float[] bias = weights.tensor(name + "attn.qkv.bias").values();
    double[][] out = new double[y.length][channels.size()];
    for (int t = 0; t < y.length; t++) {
      for (int c = 0; c < channels.size(); c++) {
        int row = part * heads * width + head * width + channels.get(c);
        out[t][c] = bias[row];
        for (int i = 0; i < d; i++) {
          out[t][c] += weight[row * d + i] * y[t][i];
        }
      }
    }
    return out;
  }

  private double[][] normed(float[] x, int tokens) {
    float[] gamma = weights.tensor(name + "norm1.weight").values();
    float[] beta = weights.tensor(name + "norm1.bias").values();
    double[][] out = new double[tokens][d];
    for (int t = 0; t < tokens; t++) {
      double mean = 0;
      double square = 0;
      for (int i = 0; i < d; i++) {
        mean += x[t * d + i] / d;
      }
      for (int i = 0; i < d; i++) {
        square += Math.pow(x[t * d + i] - mean, 2) / d;
      }
      double deviation = Math.sqrt(square + weights.architecture().layerNormEpsilon());
      for (int i = 0; i < d; i++) {
        out[t][i] = (x[t * d + i] - mean) / deviation * gamma[i] + beta[i];
      }
    }
    return out;
  }
}
