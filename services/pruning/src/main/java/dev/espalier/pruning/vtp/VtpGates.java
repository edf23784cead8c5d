package dev.espalier.pruning.vtp;

import ai.djl.ndarray.NDArray;
import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.sparsity.Folding;
import dev.espalier.pruning.sparsity.GateSet;
import dev.espalier.pruning.vit.Gates;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * The paper's gates, four sites in each block: what queries, keys and values are made from (d), the
 * heads' outputs (H, v), what fc1 reads (d), what fc2 reads (M). All start at 1, the base model.
 */
final class VtpGates implements GateSet {

  /** Where in a block. */
  enum Site {
    QKV_IN,
    ATTN_OUT,
    MLP_IN,
    MLP_HIDDEN
  }

  /** A gated place; its text names its gate. */
  record Place(int block, Site site) {
    @Override
    public String toString() {
      return "blocks." + block + "." + site.name().toLowerCase(Locale.ROOT);
    }
  }

  private final VitArchitecture base;
  private final double penalty;

  VtpGates(VitArchitecture base, double penalty) {
    this.base = base;
    this.penalty = penalty;
    for (int l = 0; l < base.depth(); l++) {
      if (!base.blocks().get(l).wiring().isAll()) {
        throw new IllegalArgumentException(
            "block %d must read and write all residual channels but has a wiring".formatted(l));
      }
    }
  }

  /** All places; blocks without attention have none of its two. */
  static List<Place> places(VitArchitecture base) {
    List<Place> places = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      for (Site site : Site.values()) {
        boolean ofMlp = site == Site.MLP_IN || site == Site.MLP_HIDDEN;
        if (ofMlp || base.blocks().get(l).attention() == AttentionKind.MSA) {
          places.add(new Place(l, site));
        }
      }
    }
    return places;
  }

  @Override
  public Map<String, long[]> shapes() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    places(base).forEach(place -> shapes.put(place.toString(), shape(place, base)));
    return shapes;
  }

  private static long[] shape(Place place, VitArchitecture base) {
    BlockShape block = base.blocks().get(place.block());
    return switch (place.site()) {
      case QKV_IN, MLP_IN -> new long[] {base.embedding()};
      case ATTN_OUT -> new long[] {block.heads(), block.vWidth()};
      case MLP_HIDDEN -> new long[] {block.mlpHidden()};
    };
  }

  @Override
  public float initial(String name) {
    return 1;
  }

  @Override
  public boolean bounded(String name) {
    return false;
  }

  @Override
  public double penalty(String name) {
    return penalty;
  }

  /** A gate on a head's values is one on its output: the mean over tokens is linear in them. */
  @Override
  public Gates place(Function<String, NDArray> values) {
    List<Gates.Block> blocks = new ArrayList<>();
    for (int l = 0; l < base.depth(); l++) {
      boolean attends = base.blocks().get(l).attention() == AttentionKind.MSA;
      NDArray reads = attends ? values.apply(new Place(l, Site.QKV_IN).toString()) : null;
      NDArray v = attends ? values.apply(new Place(l, Site.ATTN_OUT).toString()) : null;
      blocks.add(
          new Gates.Block(null, null, null, v, null)
              .wired(reads, null, values.apply(new Place(l, Site.MLP_IN).toString()), null)
              .withHidden(values.apply(new Place(l, Site.MLP_HIDDEN).toString())));
    }
    return new Gates(null, null, blocks);
  }

  /** Each gate goes into the columns of the linear that reads its site. */
  @Override
  public VitWeights fold(VitWeights trained, Map<String, Tensor> values) {
    Folding folding = new Folding(trained);
    for (Place place : places(base)) {
      String block = "blocks." + place.block() + ".";
      String linear =
          switch (place.site()) {
            case QKV_IN -> "attn.qkv";
            case ATTN_OUT -> "attn.proj";
            case MLP_IN -> "mlp.fc1";
            case MLP_HIDDEN -> "mlp.fc2";
          };
      folding.columns(block + linear + ".weight", values.get(place.toString()).values());
    }
    return folding.weights();
  }

  /** |a| at a place. */
  static double[] magnitudes(Place place, VitArchitecture base, Map<String, Tensor> values) {
    int size = 1;
    for (long length : shape(place, base)) {
      size *= Math.toIntExact(length);
    }
    Tensor tensor = values.get(place.toString());
    if (tensor == null || tensor.values().length != size) {
      throw new IllegalArgumentException(
          "findings need %d gates of %s but have %s"
              .formatted(size, place, tensor == null ? "none" : tensor));
    }
    double[] magnitudes = new double[size];
    for (int i = 0; i < size; i++) {
      magnitudes[i] = Math.abs(tensor.values()[i]);
    }
    return magnitudes;
  }

  /** Mean |a| where a unit has several gates; query/key channels have none and score 0. */
  @Override
  public Importance importance(Map<String, Tensor> values) {
    double[] embedding = new double[base.embedding()];
    List<BlockImportance> blocks = new ArrayList<>();
    List<Place> places = places(base);
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      double[] heads = new double[shape.heads()];
      double[] v = new double[shape.vWidth()];
      double[] mlp = magnitudes(new Place(l, Site.MLP_HIDDEN), base, values);
      add(embedding, magnitudes(new Place(l, Site.MLP_IN), base, values));
      if (places.contains(new Place(l, Site.ATTN_OUT))) {
        add(embedding, magnitudes(new Place(l, Site.QKV_IN), base, values));
        double[] gates = magnitudes(new Place(l, Site.ATTN_OUT), base, values);
        for (int i = 0; i < gates.length; i++) {
          heads[i / v.length] += gates[i] / v.length;
          v[i % v.length] += gates[i] / heads.length;
        }
      }
      blocks.add(new BlockImportance(heads, new double[shape.qkWidth()], v, mlp));
    }
    return new Importance(embedding, blocks);
  }

  private void add(double[] sum, double[] magnitudes) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += magnitudes[i] / (2 * base.depth());
    }
  }
}
