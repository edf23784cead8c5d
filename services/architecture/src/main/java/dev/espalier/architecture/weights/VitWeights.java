package dev.espalier.architecture.weights;

import dev.espalier.architecture.vit.VitArchitecture;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A model at rest: its shape and its weights under timm's names.
 *
 * <p>With d the embedding, E prefix tokens, N patches, and per block H heads of query/key width q,
 * value width v and MLP width M:
 *
 * <ul>
 *   <li>{@code patch_embed.proj.weight} (d, channels, patch, patch), {@code .bias} (d)
 *   <li>{@code cls_token} (1, 1, d), {@code dist_token} (1, 1, d) where E = 2, {@code pos_embed}
 *       (1, N + E, d)
 *   <li>{@code blocks.L.norm1.weight|bias} (d), {@code blocks.L.norm2.weight|bias} (d)
 *   <li>{@code blocks.L.attn.qkv.weight} (2*H*q + H*v, d): rows of all heads' queries, then keys,
 *       then values, head-major; {@code .bias} alike
 *   <li>{@code blocks.L.attn.proj.weight} (d, H*v), {@code .bias} (d)
 *   <li>{@code blocks.L.mlp.fc1.weight} (M, d), {@code .bias} (M); {@code blocks.L.mlp.fc2.weight}
 *       (d, M), {@code .bias} (d)
 *   <li>where a branch reads r or writes w channels only, r and w stand for d in its linears
 *   <li>where a convolution with kernel k and bottleneck e replaces attention: {@code
 *       blocks.L.attn.conv.weight} (e, d, k, k), {@code .bias} (e), {@code
 *       blocks.L.attn.proj.weight} (d, e), {@code .bias} (d)
 *   <li>where tokens are selected in front of a block: {@code blocks.L.predictor.norm.weight|bias}
 *       (d), {@code predictor.embed.weight} (d, d), {@code predictor.score1.weight} (d/2, d),
 *       {@code predictor.score2.weight} (d/4, d/2), {@code predictor.score3.weight} (2, d/4), each
 *       with {@code .bias}
 *   <li>{@code norm.weight|bias} (d), {@code head.weight} (classes, d), {@code head.bias}, {@code
 *       head_dist.weight|bias} where E = 2
 * </ul>
 */
public record VitWeights(VitArchitecture architecture, Map<String, Tensor> tensors) {

  public VitWeights {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  /** The tensor of that name; an error that names it where it is missing. */
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("tensor " + name + " is missing");
    }
    return tensor;
  }
}
