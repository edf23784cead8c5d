package dev.espalier.pruning.method;

import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.List;

/**
 * Units of one kind in one place: the residual channels of the model, or the heads, query/key
 * channels, value channels or hidden units of a block. A channel stands for the same index in all
 * heads of its block, so that heads keep equal widths.
 *
 * @param kind what the units are
 * @param block index of the base block; {@link #EVERYWHERE} for residual channels
 */
public record Pool(UnitKind kind, int block) {

  /** Block of the residual channels, which all blocks share. */
  public static final int EVERYWHERE = -1;

  /** All pools of a model: residual channels, then block by block heads, qk, v, mlp. */
  public static List<Pool> of(VitArchitecture vit) {
    List<Pool> pools = new ArrayList<>();
    pools.add(new Pool(UnitKind.EMBEDDING, EVERYWHERE));
    for (int l = 0; l < vit.depth(); l++) {
      if (vit.blocks().get(l).attention() == AttentionKind.MSA) {
        pools.add(new Pool(UnitKind.HEAD, l));
        pools.add(new Pool(UnitKind.QK, l));
        pools.add(new Pool(UnitKind.V, l));
      }
      pools.add(new Pool(UnitKind.MLP, l));
    }
    return pools;
  }

  /** How many units the pool has in that model. */
  public int width(VitArchitecture vit) {
    if (kind == UnitKind.EMBEDDING) {
      return vit.embedding();
    }
    BlockShape shape = vit.blocks().get(block);
    return switch (kind) {
      case EMBEDDING -> vit.embedding();
      case HEAD -> shape.heads();
      case QK -> shape.qkWidth();
      case V -> shape.vWidth();
      case MLP -> shape.mlpHidden();
      default -> throw new IllegalArgumentException("no pool of " + kind.text());
    };
  }

  /** The scores of the pool's units; the list itself, not a copy. */
  public double[] scores(Importance importance) {
    if (kind == UnitKind.EMBEDDING) {
      return importance.embedding();
    }
    BlockImportance scores = importance.blocks().get(block);
    return switch (kind) {
      case EMBEDDING -> importance.embedding();
      case HEAD -> scores.heads();
      case QK -> scores.qk();
      case V -> scores.v();
      case MLP -> scores.mlp();
      default -> throw new IllegalArgumentException("no pool of " + kind.text());
    };
  }

  /** For people and files: {@code embedding}, {@code blocks.3.mlp}. */
  @Override
  public String toString() {
    return block == EVERYWHERE ? kind.text() : "blocks." + block + "." + kind.text();
  }
}
