package dev.espalier.pruning;

import dev.espalier.pruning.control.BaseExtraEpochs;
import dev.espalier.pruning.control.SmallFromScratch;
import dev.espalier.pruning.depth.DroppedBlocks;
import dev.espalier.pruning.dynamicvit.DynamicVit;
import dev.espalier.pruning.magnitude.Magnitude;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.nvit.Nvit;
import dev.espalier.pruning.patchslimming.PatchSlimming;
import dev.espalier.pruning.random.RandomUnits;
import dev.espalier.pruning.spvit.SpVit;
import dev.espalier.pruning.vitslim.VitSlim;
import dev.espalier.pruning.vtp.Vtp;
import dev.espalier.pruning.wdpruning.WdPruning;
import java.util.List;

/** The methods this library implements, by the names of their descriptors. */
public final class PruningMethods {

  public static final List<PruningMethod> ALL =
      List.of(
          new RandomUnits(),
          new Magnitude(),
          Nvit.plain(),
          Nvit.latencyAware(),
          new Vtp(),
          new VitSlim(),
          new PatchSlimming(),
          PatchSlimming.randomTokens(),
          PatchSlimming.clsAttention(),
          PatchSlimming.staticTopK(),
          new WdPruning(),
          new DynamicVit(),
          new SpVit(),
          DroppedBlocks.last(),
          DroppedBlocks.evenly(),
          new SmallFromScratch(),
          new BaseExtraEpochs());

  private PruningMethods() {}

  /**
   * The method of that name.
   *
   * @throws IllegalArgumentException naming the known ones
   */
  public static PruningMethod get(String name) {
    return ALL.stream()
        .filter(method -> method.descriptor().name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "method must be one of %s but is %s"
                        .formatted(
                            ALL.stream().map(method -> method.descriptor().name()).toList(),
                            name)));
  }
}
