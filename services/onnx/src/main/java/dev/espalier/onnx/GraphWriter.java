package dev.espalier.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.espalier.onnx.proto.AttributeProto;
import dev.espalier.onnx.proto.AttributeProto.AttributeType;
import dev.espalier.onnx.proto.GraphProto;
import dev.espalier.onnx.proto.NodeProto;
import dev.espalier.onnx.proto.TensorProto;
import dev.espalier.onnx.proto.TensorProto.DataType;
import dev.espalier.onnx.proto.TensorShapeProto;
import dev.espalier.onnx.proto.TensorShapeProto.Dimension;
import dev.espalier.onnx.proto.TypeProto;
import dev.espalier.onnx.proto.ValueInfoProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Writes an ONNX graph node by node. Values and nodes are known by unique names. */
final class GraphWriter {

  private final GraphProto.Builder graph = GraphProto.newBuilder();
  private final Set<String> names = new HashSet<>();

  GraphWriter(String name) {
    graph.setName(name);
  }

  /** A float32 tensor with a free first axis that comes from outside. */
  String input(String name, String batch, int... shape) {
    graph.addInput(value(name, batch, shape));
    return named(name);
  }

  /** Declares a value as what the graph gives, a float32 tensor with a free first axis. */
  void output(String name, String batch, int... shape) {
    graph.addOutput(value(name, batch, shape));
  }

  /** Weights. */
  String weights(String name, float[] values, int... shape) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    TensorProto.Builder tensor = constant(named(name), DataType.FLOAT, bytes);
    for (int length : shape) {
      tensor.addDims(length);
    }
    graph.addInitializer(tensor);
    return name;
  }

  /** A list of whole numbers. */
  String numbers(String name, long... values) {
    graph.addInitializer(
        constant(named(name), DataType.INT64, longs(values)).addDims(values.length));
    return name;
  }

  /** The same from indices. */
  String indices(String name, List<Integer> values) {
    return numbers(name, values.stream().mapToLong(Integer::longValue).toArray());
  }

  /** One whole number. */
  String number(String name, long value) {
    graph.addInitializer(constant(named(name), DataType.INT64, longs(value)));
    return name;
  }

  /**
   * One operation with one result.
   *
   * @param result names the node too
   * @param inputs values by name, as the operator orders them
   * @return the result's name
   */
  String node(String operator, String result, List<String> inputs, AttributeProto... attributes) {
    return nodes(operator, List.of(result), inputs, attributes).get(0);
  }

  /** One operation with several results; the node has the first one's name. */
  List<String> nodes(
      String operator, List<String> results, List<String> inputs, AttributeProto... attributes) {
    results.forEach(this::named);
    graph.addNode(
        NodeProto.newBuilder()
            .setName(results.get(0))
            .setOpType(operator)
            .addAllInput(inputs)
            .addAllOutput(results)
            .addAllAttribute(List.of(attributes)));
    return results;
  }

  static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  static AttributeProto attribute(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.FLOAT)
        .setF(value)
        .build();
  }

  static AttributeProto list(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  GraphProto build() {
    return graph.build();
  }

  private String named(String name) {
    if (!names.add(name)) {
      throw new IllegalStateException("the graph has two values named " + name);
    }
    return name;
  }

  private static TensorProto.Builder constant(String name, DataType type, ByteBuffer bytes) {
    ByteString raw = UnsafeByteOperations.unsafeWrap(bytes.array());
    return TensorProto.newBuilder().setName(name).setDataType(type.getNumber()).setRawData(raw);
  }

  private static ByteBuffer longs(long... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return bytes;
  }

  private static ValueInfoProto value(String name, String batch, int... shape) {
    TensorShapeProto.Builder axes =
        TensorShapeProto.newBuilder().addDim(Dimension.newBuilder().setDimParam(batch));
    for (int length : shape) {
      axes.addDim(Dimension.newBuilder().setDimValue(length));
    }
    TypeProto.Tensor tensor =
        TypeProto.Tensor.newBuilder().setElemType(DataType.FLOAT_VALUE).setShape(axes).build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(tensor))
        .build();
  }
}
