package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.vit.VitModel;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A small model with random weights and what PyTorch 2.13 with timm 1.0.29 computed from it, from
 * {@code src/test/resources/parity}.
 */
enum ParityCase {
  TIMM_GRAY28("timm-gray28", vit(28, 4, 1, 10, 1, 32, 2, 4)),
  TIMM_DEIT_DISTILLED("timm-deit-distilled", vit(32, 8, 3, 5, 2, 48, 3, 3));

  private final String folder;
  final VitArchitecture architecture;

  ParityCase(String folder, VitArchitecture architecture) {
    this.folder = folder;
    this.architecture = architecture;
  }

  private static VitArchitecture vit(
      int size, int patch, int channels, int classes, int prefix, int d, int depth, int heads) {
    BlockShape block = new BlockShape(AttentionKind.MSA, heads, d / heads, d / heads, 4 * d);
    return new VitArchitecture(
        size,
        patch,
        channels,
        classes,
        prefix,
        d,
        d / heads,
        1e-6,
        Collections.nCopies(depth, block));
  }

  VitWeights weights(NDManager manager) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    read(manager, "weights").forEach((name, array) -> tensors.put(name, VitModel.host(array)));
    return new VitWeights(architecture, tensors);
  }

  Map<String, NDArray> io(NDManager manager) {
    return read(manager, "io");
  }

  Map<String, NDArray> gradients(NDManager manager) {
    return read(manager, "gradients");
  }

  private Map<String, NDArray> read(NDManager manager, String file) {
    String path = "/parity/" + folder + "/" + file + ".safetensors";
    try (InputStream in = ParityCase.class.getResourceAsStream(path)) {
      Map<String, NDArray> arrays = new HashMap<>();
      for (NDArray array : NDList.decode(manager, in.readAllBytes())) {
        arrays.put(array.getName(), array);
      }
      return arrays;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
