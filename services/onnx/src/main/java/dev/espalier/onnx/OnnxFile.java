package dev.espalier.onnx;

import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.onnx.proto.ModelProto;
import dev.espalier.onnx.proto.OperatorSetIdProto;
import dev.espalier.onnx.proto.StringStringEntryProto;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;
import java.util.TreeMap;

/**
 * A model as one ONNX file: normalised images (batch, channels, side, side) in, class scores
 * (batch, classes) out, both float32, for any batch. Only standard operators are used. The model's
 * shape is in the metadata under {@value #ARCHITECTURE}.
 */
public final class OnnxFile {

  /** Name of the input. */
  public static final String INPUT = "images";

  /** Name of the output. */
  public static final String OUTPUT = "logits";

  /** Metadata key of the shape, as in our safetensors files. */
  public static final String ARCHITECTURE = "espalier.architecture";

  /** The first operator set with GELU as an operator; ONNX Runtime runs it from 1.17 on. */
  public static final int OPERATOR_SET = 20;

  private static final int IR_VERSION = 9; // the one that came with the operator set

  /** Protobuf's limit, less room for all that is not weights. */
  private static final long MOST_WEIGHT_BYTES = Integer.MAX_VALUE - (64L << 20);

  private OnnxFile() {}

  /** The file as bytes; equal models give equal bytes. */
  public static byte[] write(VitWeights model, Map<String, String> about) {
    return proto(model, about).toByteArray();
  }

  /**
   * Writes the file.
   *
   * @param about goes into the metadata; its keys are the caller's
   * @throws IllegalArgumentException where the weights are more than one ONNX file can hold
   */
  public static void write(VitWeights model, Map<String, String> about, OutputStream out)
      throws IOException {
    proto(model, about).writeTo(out);
  }

  private static ModelProto proto(VitWeights model, Map<String, String> about) {
    long bytes = 0;
    for (Tensor tensor : model.tensors().values()) {
      bytes += (long) tensor.values().length * Float.BYTES;
    }
    if (bytes > MOST_WEIGHT_BYTES) {
      throw new IllegalArgumentException(
          "an ONNX file holds at most %d bytes of weights but the model has %d; safetensors holds them"
              .formatted(MOST_WEIGHT_BYTES, bytes));
    }
    ModelProto.Builder file =
        ModelProto.newBuilder()
            .setIrVersion(IR_VERSION)
            .setProducerName("espalier")
            .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPERATOR_SET))
            .setGraph(VitGraph.of(model, INPUT, OUTPUT));
    Map<String, String> metadata = new TreeMap<>(about);
    metadata.put(ARCHITECTURE, model.architecture().toJson());
    metadata.forEach(
        (key, value) ->
            file.addMetadataProps(StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    return file.build();
  }
}
