package dev.espalier.sweep.spec;

import java.util.List;

/**
 * Keep ratios, each in (0, 1].
 *
 * @param macs shares of the base's multiply-accumulates
 * @param params shares of the base's parameters
 */
public record Targets(List<Double> macs, List<Double> params) {

  public Targets {
    macs = List.copyOf(macs);
    params = List.copyOf(params);
  }
}
