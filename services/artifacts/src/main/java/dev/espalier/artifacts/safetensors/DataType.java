package dev.espalier.artifacts.safetensors;

import dev.espalier.architecture.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Element types of the safetensors format. Those that are weights are read, as float32. */
public enum DataType {
  F64(8),
  F32(4),
  F16(2),
  BF16(2),
  F8_E5M2(1),
  F8_E4M3(1),
  I64(8),
  I32(4),
  I16(2),
  I8(1),
  U64(8),
  U32(4),
  U16(2),
  U8(1),
  BOOL(1);

  final int bytes;

  DataType(int bytes) {
    this.bytes = bytes;
  }

  boolean readable() {
    return this == F32 || this == F16 || this == BF16;
  }

  /** Turns the bytes of one tensor into floats. */
  Tensor read(int[] shape, ByteBuffer bytes) {
    ByteBuffer data = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[data.remaining() / this.bytes];
    switch (this) {
      case F32 -> data.asFloatBuffer().get(values);
      case F16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = halfToFloat(data.getShort(2 * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = Float.intBitsToFloat(data.getShort(2 * i) << 16);
        }
      }
      default -> throw new IllegalStateException("no floats in " + this);
    }
    return new Tensor(shape, values);
  }

  /** IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
  private static float halfToFloat(short half) {
    int exponent = half >> 10 & 0x1f;
    int fraction = half & 0x3ff;
    float magnitude;
    if (exponent == 0x1f) {
      magnitude = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
    } else if (exponent == 0) {
      magnitude = Math.scalb((float) fraction, -24);
    } else {
      magnitude = Math.scalb((float) (fraction | 0x400), exponent - 25);
    }
    return half < 0 ? -magnitude : magnitude;
  }
}
