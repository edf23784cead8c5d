package dev.espalier.architecture.plan;

import java.util.List;

/**
 * What is kept of one kept attention head.
 *
 * @param head index of the head in the base block
 * @param qk kept query/key channels of the head, ascending
 * @param v kept value channels of the head, ascending
 */
public record HeadPlan(int head, List<Integer> qk, List<Integer> v) {

  public HeadPlan {
    qk = List.copyOf(qk);
    v = List.copyOf(v);
  }
}
