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
 * A small model with random weights and what PyTorch 2.13 computed from it, through timm 1.0.29 or
 * transformers 5.18, from {@code src/test/resources/parity}.
 */
enum ParityCase {
  TIMM_GRAY28("timm-gray28", vit(28, 4, 1, 10, 1, 32, 2, 4, 1e-6)),
  TIMM_DEIT_DISTILLED("timm-deit-distilled", vit(32, 8, 3, 5, 2, 48, 3, 3, 1e-6)),
  HF_VIT("hf-vit", vit(32, 8, 3, 7, 1, 48, 3, 3, 1e-12));

  private final String folder;
  final VitArchitecture architecture;

  ParityCase(String folder, VitArchitecture architecture) {
    this.folder = folder;
    this.architecture = architecture;
  }

  private static VitArchitecture vit(
      int size,
      int patch,
      int channels,
      int classes,
      int prefix,
      int d,
      int depth,
      int heads,
      double epsilon) {
    BlockShape block = new BlockShape(AttentionKind.MSA, heads, d / heads, d / heads, 4 * d);
    return new VitArchitecture(
        size,
        patch,
        channels,
        classes,
        prefix,
        d,
        d / heads,
        epsilon,
        Collections.nCopies(depth, block));
  }

  VitWeights weights(NDManager manager) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    timm(read(manager, "weights")).forEach((name, a) -> tensors.put(name, VitModel.host(a)));
    return new VitWeights(architecture, tensors);
  }

  Map<String, NDArray> io(NDManager manager) {
    return read(manager, "io");
  }

  Map<String, NDArray> gradients(NDManager manager) {
    return timm(read(manager, "gradients"));
  }

  /** Names of transformers as those of timm, with queries, keys and values in one tensor. */
  private Map<String, NDArray> timm(Map<String, NDArray> arrays) {
    if (this != HF_VIT) {
      return arrays;
    }
    Map<String, NDArray> renamed = new HashMap<>();
    arrays.forEach(
        (name, array) -> {
          String timm =
              name.replace("vit.embeddings.cls_token", "cls_token")
                  .replace("vit.embeddings.position_embeddings", "pos_embed")
                  .replace("vit.embeddings.patch_embeddings.projection", "patch_embed.proj")
                  .replace("vit.encoder.layer.", "blocks.")
                  .replace("attention.output.dense", "attn.proj")
                  .replace("intermediate.dense", "mlp.fc1")
                  .replace("output.dense", "mlp.fc2")
                  .replace("layernorm_before", "norm1")
                  .replace("layernorm_after", "norm2")
                  .replace("vit.layernorm", "norm")
                  .replace("classifier", "head");
          if (timm.contains("attention.attention.query")) {
            NDArray keys = arrays.get(name.replace("query", "key"));
            NDArray values = arrays.get(name.replace("query", "value"));
            renamed.put(
                timm.replace("attention.attention.query", "attn.qkv"),
                array.concat(keys).concat(values));
          } else if (!timm.contains("attention.attention")) {
            renamed.put(timm, array);
          }
        });
    return renamed;
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
