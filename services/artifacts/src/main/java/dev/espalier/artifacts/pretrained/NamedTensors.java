package dev.espalier.artifacts.pretrained;

import dev.espalier.architecture.weights.Tensor;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.pretrained.TensorNames.Part;
import dev.espalier.artifacts.pretrained.TensorNames.Slot;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.safetensors.SafetensorsFile;
import dev.espalier.artifacts.safetensors.TensorPlace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** A checkpoint's tensors under timm's names, read one by one. */
final class NamedTensors {

  private final SafetensorsFile file;
  private final Map<String, Map<Part, TensorPlace>> sources = new LinkedHashMap<>();
  private final List<String> unused = new ArrayList<>();

  private NamedTensors(SafetensorsFile file) {
    this.file = file;
  }

  /** A file that has timm's names already. */
  static NamedTensors asTheyAre(SafetensorsFile file) {
    NamedTensors named = new NamedTensors(file);
    file.places().values().forEach(place -> named.add(new Slot(place.name(), Part.WHOLE), place));
    return named;
  }

  /** A checkpoint of timm or transformers. */
  static NamedTensors of(SafetensorsFile file) {
    NamedTensors named = new NamedTensors(file);
    for (TensorPlace place : file.places().values()) {
      Optional<Slot> slot = TensorNames.slot(place.name());
      if (slot.isPresent()) {
        named.add(slot.get(), place);
      } else if (TensorNames.isUnused(place.name())) {
        named.unused.add(place.name());
      } else {
        throw new MalformedFileException(
            "tensor %s has no place in a plain or distilled ViT or DeiT".formatted(place.name()));
      }
    }
    return named;
  }

  private void add(Slot slot, TensorPlace place) {
    place.requireReadable();
    Map<Part, TensorPlace> parts =
        sources.computeIfAbsent(slot.timm(), name -> new EnumMap<>(Part.class));
    TensorPlace before = parts.put(slot.part(), place);
    if (before != null || parts.size() > 1 && parts.containsKey(Part.WHOLE)) {
      throw new MalformedFileException(
          "tensor %s is there twice, as %s too"
              .formatted(place.name(), before == null ? slot.timm() : before.name()));
    }
  }

  Set<String> names() {
    return sources.keySet();
  }

  /** Names in the file that were left out because they take no part in classification. */
  List<String> unused() {
    return unused;
  }

  boolean has(String timm) {
    return sources.containsKey(timm);
  }

  /** What the file calls the tensor; timm's name where it has none. */
  String source(String timm) {
    return has(timm)
        ? sources.get(timm).values().stream()
            .map(TensorPlace::name)
            .collect(Collectors.joining(", "))
        : timm;
  }

  /** Shape of the tensor; an error that names it where it is missing. */
  int[] shape(String timm) {
    List<TensorPlace> parts = places(timm);
    int[] shape = parts.get(0).shape().clone();
    for (TensorPlace part : parts.subList(1, parts.size())) {
      int[] other = part.shape();
      boolean fits =
          shape.length >= 1
              && other.length == shape.length
              && Arrays.equals(shape, 1, shape.length, other, 1, other.length);
      if (!fits) {
        throw new MalformedFileException(
            "expected tensors %s to have equal columns but %s is %s"
                .formatted(source(timm), part.name(), Arrays.toString(other)));
      }
      shape[0] = Math.addExact(shape[0], other[0]);
    }
    return shape;
  }

  /** Shape of the tensor, which must have that many axes, all of them above 0. */
  int[] shape(String timm, int axes) {
    int[] shape = shape(timm);
    if (shape.length != axes || Arrays.stream(shape).anyMatch(length -> length < 1)) {
      throw new MalformedFileException(
          "expected tensor %s to have %d axes but it is %s"
              .formatted(source(timm), axes, Arrays.toString(shape)));
    }
    return shape;
  }

  /** Reads the tensor; NaN and infinities are refused. */
  Tensor read(String timm) {
    List<TensorPlace> parts = places(timm);
    int[] shape = shape(timm);
    float[] values = new float[0];
    for (TensorPlace part : parts) {
      Tensor tensor = file.tensor(part.name());
      ModelFile.requireFinite(part.name(), tensor);
      if (parts.size() == 1) {
        return tensor;
      }
      int before = values.length;
      values = Arrays.copyOf(values, before + tensor.values().length);
      System.arraycopy(tensor.values(), 0, values, before, tensor.values().length);
    }
    return new Tensor(shape, values);
  }

  private List<TensorPlace> places(String timm) {
    Map<Part, TensorPlace> parts = sources.get(timm);
    if (parts == null) {
      throw new MalformedFileException("expected a tensor " + timm + " but there is none");
    }
    for (Part part : List.of(Part.QUERY, Part.KEY, Part.VALUE)) {
      if (!parts.containsKey(Part.WHOLE) && !parts.containsKey(part)) {
        throw new MalformedFileException(
            "expected queries, keys and values for %s but there is only %s"
                .formatted(timm, source(timm)));
      }
    }
    return List.copyOf(parts.values());
  }
}
