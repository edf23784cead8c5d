package dev.espalier.scheduler.wire;

import com.google.protobuf.Timestamp;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.stage.v1.StageOutput;
import dev.espalier.sweep.lifecycle.Artifact;
import dev.espalier.sweep.lifecycle.FailureCategory;
import dev.espalier.sweep.lifecycle.FailureCause;
import dev.espalier.sweep.lifecycle.Measurement;
import dev.espalier.sweep.lifecycle.Output;
import java.time.Instant;
import java.util.List;

/** Parts that messages of several streams have. */
public final class SharedWire {

  private static final String CATEGORY_PREFIX = "FAILURE_CATEGORY_";
  private static final String KIND_PREFIX = "STAGE_KIND_";

  private SharedWire() {}

  public static Timestamp timestamp(Instant instant) {
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }

  public static Instant instant(Timestamp timestamp) {
    return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
  }

  /** Name without the prefix that protobuf's style asks for. */
  public static String kind(StageKind kind) {
    return kind.name().substring(KIND_PREFIX.length());
  }

  public static ArtifactRef artifact(Artifact artifact) {
    return ArtifactRef.newBuilder()
        .setUri("artifact:" + artifact.sha256())
        .setSha256(artifact.sha256())
        .setSizeBytes(artifact.sizeBytes())
        .setMediaType(artifact.mediaType())
        .build();
  }

  public static Artifact artifact(ArtifactRef ref) {
    return new Artifact(ref.getSha256(), ref.getSizeBytes(), ref.getMediaType());
  }

  public static List<StageOutput> outputsToWire(List<Output> outputs) {
    return outputs.stream()
        .map(
            output ->
                StageOutput.newBuilder()
                    .setName(output.name())
                    .setArtifact(artifact(output.artifact()))
                    .build())
        .toList();
  }

  public static List<Output> outputs(List<StageOutput> outputs) {
    return outputs.stream()
        .map(output -> new Output(output.getName(), artifact(output.getArtifact())))
        .toList();
  }

  public static List<dev.espalier.schemas.stage.v1.Measurement> measurementsToWire(
      List<Measurement> measurements) {
    return measurements.stream()
        .map(
            measurement ->
                dev.espalier.schemas.stage.v1.Measurement.newBuilder()
                    .setName(measurement.name())
                    .setValue(measurement.value())
                    .build())
        .toList();
  }

  public static List<Measurement> measurements(
      List<dev.espalier.schemas.stage.v1.Measurement> measurements) {
    return measurements.stream()
        .map(measurement -> new Measurement(measurement.getName(), measurement.getValue()))
        .toList();
  }

  public static dev.espalier.schemas.stage.v1.FailureCause cause(FailureCause cause) {
    String message = cause.message();
    return dev.espalier.schemas.stage.v1.FailureCause.newBuilder()
        .setCategory(
            dev.espalier.schemas.stage.v1.FailureCategory.valueOf(
                CATEGORY_PREFIX + cause.category().name()))
        .setCode(cause.code())
        .setMessage(message.length() > 4000 ? message.substring(0, 4000) : message)
        .build();
  }

  /** "SPEC", "DATA", "CAPACITY" or "INTERNAL". */
  public static String category(dev.espalier.schemas.stage.v1.FailureCause cause) {
    return cause.getCategory().name().substring(CATEGORY_PREFIX.length());
  }

  public static FailureCause cause(dev.espalier.schemas.stage.v1.FailureCause cause) {
    return new FailureCause(
        switch (cause.getCategory()) {
          case FAILURE_CATEGORY_SPEC -> FailureCategory.SPEC;
          case FAILURE_CATEGORY_DATA -> FailureCategory.DATA;
          case FAILURE_CATEGORY_CAPACITY -> FailureCategory.CAPACITY;
          // A worker that cannot say whose fault it is leaves it with us.
          case FAILURE_CATEGORY_INTERNAL, FAILURE_CATEGORY_UNSPECIFIED, UNRECOGNIZED ->
              FailureCategory.INTERNAL;
        },
        cause.getCode(),
        cause.getMessage());
  }
}
