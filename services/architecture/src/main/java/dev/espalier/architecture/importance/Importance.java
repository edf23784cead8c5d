package dev.espalier.architecture.importance;

import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.Arrays;
import java.util.List;

/**
 * What a search found out: a score for every unit of a base model, larger is more important. Scores
 * compare within one list; whether they compare across lists is the method's to say. Arrays are
 * shared, not copied, and not to be changed once handed out.
 *
 * @param embedding per residual channel, (d)
 * @param blocks one entry per base block
 */
public record Importance(double[] embedding, List<BlockImportance> blocks) {

  public Importance {
    blocks = List.copyOf(blocks);
  }

  /** Zeros, of a method that says nothing of widths. */
  public static Importance none(VitArchitecture base) {
    return new Importance(
        new double[base.embedding()],
        base.blocks().stream()
            .map(
                block ->
                    new BlockImportance(
                        new double[block.heads()],
                        new double[block.qkWidth()],
                        new double[block.vWidth()],
                        new double[block.mlpHidden()]))
            .toList());
  }

  /**
   * Checks that there is a number for every unit of {@code base}.
   *
   * @throws IllegalArgumentException naming the list of another length, or with NaN in it
   */
  public void checkFits(VitArchitecture base) {
    check("embedding", embedding, base.embedding());
    if (blocks.size() != base.depth()) {
      throw new IllegalArgumentException(
          "importance needs %d blocks but has %d".formatted(base.depth(), blocks.size()));
    }
    for (int l = 0; l < blocks.size(); l++) {
      BlockShape shape = base.blocks().get(l);
      BlockImportance block = blocks.get(l);
      check("blocks." + l + ".heads", block.heads(), shape.heads());
      check("blocks." + l + ".qk", block.qk(), shape.qkWidth());
      check("blocks." + l + ".v", block.v(), shape.vWidth());
      check("blocks." + l + ".mlp", block.mlp(), shape.mlpHidden());
    }
  }

  private static void check(String name, double[] scores, int width) {
    if (scores.length != width) {
      throw new IllegalArgumentException(
          "importance %s needs %d scores but has %d".formatted(name, width, scores.length));
    }
    for (double score : scores) {
      if (Double.isNaN(score)) {
        throw new IllegalArgumentException("importance %s has NaN".formatted(name));
      }
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Importance that
        && Arrays.equals(embedding, that.embedding)
        && blocks.equals(that.blocks);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(embedding) + blocks.hashCode();
  }
}
