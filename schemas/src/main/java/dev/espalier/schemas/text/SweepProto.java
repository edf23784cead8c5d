package dev.espalier.schemas.text;

import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.ListValue;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import dev.espalier.schemas.sweep.v1.SweepSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns a {@link SweepSpec} message into the tree that the YAML form gives, and back, so that one
 * reader serves both doors. A field that is not set is absent from the tree.
 */
public final class SweepProto {

  private static final String STRATEGY_PARAMETERS = "strategyParameters";

  private SweepProto() {}

  /**
   * The tree of a request. The team travels beside the spec, in the command.
   *
   * @param team "" leaves it out
   */
  public static Map<String, Object> tree(SweepSpec spec, String team) {
    Map<String, Object> tree = tree(spec);
    Object parameters = tree.remove(STRATEGY_PARAMETERS);
    if (parameters instanceof Map<?, ?> given) {
      Map<String, Object> strategy = new LinkedHashMap<>();
      given.forEach((name, value) -> strategy.put(String.valueOf(name), value));
      strategy.put("name", tree.get("strategy"));
      tree.put("strategy", strategy);
    }
    if (!team.isEmpty()) {
      tree.put("team", team);
    }
    return tree;
  }

  /** The tree of a message: fields in lowerCamelCase, structs as objects. */
  public static Map<String, Object> tree(MessageOrBuilder message) {
    Map<String, Object> tree = new LinkedHashMap<>();
    message
        .getAllFields()
        .forEach((field, value) -> tree.put(field.getJsonName(), field(field, value)));
    return tree;
  }

  /**
   * The message of a tree that {@code SweepSpecReader} accepts; {@code team} is left out.
   *
   * @throws IllegalArgumentException when the tree has fields that the message has not
   */
  public static SweepSpec message(Map<String, Object> tree) {
    Map<String, Object> fields = new LinkedHashMap<>(tree);
    fields.remove("team");
    if (fields.get("strategy") instanceof Map<?, ?> strategy) {
      Map<String, Object> parameters = new LinkedHashMap<>();
      strategy.forEach((name, value) -> parameters.put(String.valueOf(name), value));
      fields.put("strategy", parameters.remove("name"));
      fields.put(STRATEGY_PARAMETERS, parameters);
    }
    if (fields.get("stop") instanceof String name) {
      fields.put("stop", Map.of("name", name));
    }
    try {
      SweepSpec.Builder spec = SweepSpec.newBuilder();
      JsonFormat.parser().merge(JsonFormat.printer().print(struct(fields)), spec);
      return spec.build();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("no sweep: " + e.getMessage(), e);
    }
  }

  /** A struct as an object of the tree; numbers are {@link Double}. */
  public static Map<String, Object> tree(Struct struct) {
    Map<String, Object> tree = new LinkedHashMap<>();
    struct.getFieldsMap().forEach((name, value) -> tree.put(name, tree(value)));
    return tree;
  }

  /** An object of the tree as a struct. */
  public static Struct struct(Map<String, ?> tree) {
    Struct.Builder struct = Struct.newBuilder();
    tree.forEach((name, value) -> struct.putFields(name, value(value)));
    return struct.build();
  }

  private static Object field(FieldDescriptor field, Object value) {
    if (field.isMapField()) {
      Map<String, Object> map = new LinkedHashMap<>();
      for (Object entry : (List<?>) value) {
        MapEntry<?, ?> pair = (MapEntry<?, ?>) entry;
        map.put(String.valueOf(pair.getKey()), single(pair.getValue()));
      }
      return map;
    }
    if (field.isRepeated()) {
      List<Object> list = new ArrayList<>();
      for (Object element : (List<?>) value) {
        list.add(single(element));
      }
      return list;
    }
    return single(value);
  }

  private static Object single(Object value) {
    if (value instanceof Struct struct) {
      return tree(struct);
    }
    if (value instanceof Message message) {
      return tree(message);
    }
    if (value instanceof EnumValueDescriptor constant) {
      return constant.getName();
    }
    return value instanceof Integer integer ? (Object) integer.longValue() : value;
  }

  private static Object tree(Value value) {
    return switch (value.getKindCase()) {
      case NULL_VALUE, KIND_NOT_SET -> null;
      case NUMBER_VALUE -> value.getNumberValue();
      case STRING_VALUE -> value.getStringValue();
      case BOOL_VALUE -> value.getBoolValue();
      case STRUCT_VALUE -> tree(value.getStructValue());
      case LIST_VALUE -> {
        List<Object> list = new ArrayList<>();
        value.getListValue().getValuesList().forEach(element -> list.add(tree(element)));
        yield list;
      }
    };
  }

  private static Value value(Object tree) {
    Value.Builder value = Value.newBuilder();
    if (tree == null) {
      value.setNullValue(com.google.protobuf.NullValue.NULL_VALUE);
    } else if (tree instanceof Number number) {
      value.setNumberValue(number.doubleValue());
    } else if (tree instanceof Boolean flag) {
      value.setBoolValue(flag);
    } else if (tree instanceof CharSequence text) {
      value.setStringValue(text.toString());
    } else if (tree instanceof List<?> list) {
      ListValue.Builder values = ListValue.newBuilder();
      list.forEach(element -> values.addValues(value(element)));
      value.setListValue(values);
    } else if (tree instanceof Map<?, ?> map) {
      Struct.Builder struct = Struct.newBuilder();
      map.forEach((name, member) -> struct.putFields(String.valueOf(name), value(member)));
      value.setStructValue(struct);
    } else {
      throw new IllegalArgumentException("no protobuf value for a " + tree.getClass().getName());
    }
    return value.build();
  }
}
