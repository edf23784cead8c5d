package dev.espalier.architecture.redistribution;

/**
 * Widths of one block, before or after they are moved.
 *
 * @param heads attention heads H
 * @param qk query/key width per head
 * @param v value width per head
 * @param mlp hidden width of the MLP
 */
public record BlockWidths(int heads, int qk, int v, int mlp) {

  BlockWidths withHeads(int heads) {
    return new BlockWidths(heads, qk, v, mlp);
  }

  BlockWidths withQk(int qk) {
    return new BlockWidths(heads, qk, v, mlp);
  }

  BlockWidths withV(int v) {
    return new BlockWidths(heads, qk, v, mlp);
  }

  BlockWidths withMlp(int mlp) {
    return new BlockWidths(heads, qk, v, mlp);
  }
}
