package dev.espalier.cli.text;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Columns under headings, as wide as their widest cell; numbers stand at the right. */
public final class Table {

  private static final Pattern NUMBER =
      Pattern.compile("-|-?[0-9][0-9.]*x?( ?(%|[kMG]?B?|s|ms))?( ± [0-9.]+)?|[0-9]+/[0-9]+");

  private final List<String> headings;
  private final List<List<String>> rows = new ArrayList<>();

  public Table(String... headings) {
    this.headings = List.of(headings);
  }

  public Table row(Object... cells) {
    if (cells.length != headings.size()) {
      throw new IllegalArgumentException(
          "expected %d cells but found %d".formatted(headings.size(), cells.length));
    }
    List<String> row = new ArrayList<>();
    for (Object cell : cells) {
      row.add(cell == null ? "" : cell.toString());
    }
    rows.add(row);
    return this;
  }

  public boolean isEmpty() {
    return rows.isEmpty();
  }

  public List<String> lines() {
    int columns = headings.size();
    int[] widths = new int[columns];
    boolean[] numeric = new boolean[columns];
    for (int c = 0; c < columns; c++) {
      int column = c;
      widths[c] = headings.get(c).length();
      numeric[c] = !rows.isEmpty() && rows.stream().allMatch(row -> isNumber(row.get(column)));
      for (List<String> row : rows) {
        widths[c] = Math.max(widths[c], row.get(c).length());
      }
    }
    List<String> lines = new ArrayList<>();
    lines.add(line(headings, widths, numeric));
    rows.forEach(row -> lines.add(line(row, widths, numeric)));
    return lines;
  }

  private static String line(List<String> cells, int[] widths, boolean[] right) {
    StringBuilder line = new StringBuilder();
    for (int c = 0; c < cells.size(); c++) {
      String cell = cells.get(c);
      String blank = " ".repeat(widths[c] - cell.length());
      line.append(right[c] ? blank + cell : cell + blank).append(c + 1 < cells.size() ? "  " : "");
    }
    return line.toString().stripTrailing();
  }

  private static boolean isNumber(String cell) {
    return cell.isEmpty() || NUMBER.matcher(cell).matches();
  }
}
