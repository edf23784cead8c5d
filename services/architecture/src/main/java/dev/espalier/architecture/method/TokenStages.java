package dev.espalier.architecture.method;

import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Where DynamicViT drops patches and how many stay ({@code methods/dynamicvit.md} §1, §7): {@code
 * floor(N rho^s)} of N behind stage s = 1, 2, ..
 */
public final class TokenStages {

  private TokenStages() {}

  /**
   * The paper's places, scaled to any depth: 3, 6, 9 of 12 blocks; 4, 8, 12 of 16; 1, 3, 4 of 6.
   *
   * @return fewer than {@code stages} where the depth does not have that many, none for one block
   */
  public static List<Integer> places(int depth, int stages) {
    return IntStream.rangeClosed(1, stages)
        .map(s -> depth * s / (stages + 1))
        .filter(block -> block > 0)
        .distinct()
        .boxed()
        .toList();
  }

  /**
   * {@code floor(N rho^s)}, in floating point that does not lose 49 of 100 at rho 0.7.
   *
   * @param step counts are multiples of it where there are that many
   */
  public static List<Integer> patches(int N, double rho, int stages, int step) {
    List<Integer> patches = new ArrayList<>();
    for (int s = 1; s <= stages; s++) {
      int kept = (int) Math.max(1, Math.floor(N * StrictMath.pow(rho, s) + 1e-9));
      patches.add(kept < step ? kept : kept - kept % step);
    }
    return patches;
  }

  /** The base with a predictor in front of each of {@code blocks} that keeps so many patches. */
  public static VitArchitecture shape(
      VitArchitecture base, List<Integer> blocks, List<Integer> patches) {
    List<BlockShape> shapes = new ArrayList<>(base.blocks());
    for (int s = 0; s < blocks.size(); s++) {
      int l = blocks.get(s);
      shapes.set(l, shapes.get(l).with(new TokenRule.Select(patches.get(s))));
    }
    return base.withWidths(base.embedding(), shapes);
  }

  /** The shape that keeps one patch behind every stage. */
  static VitArchitecture least(VitArchitecture base, int stages, int step) {
    List<Integer> blocks = places(base.depth(), stages);
    return shape(base, blocks, patches(base.patches(), 0, blocks.size(), step));
  }
}
