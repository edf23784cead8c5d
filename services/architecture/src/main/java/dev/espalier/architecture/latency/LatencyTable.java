package dev.espalier.architecture.latency;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.json.JsonObject;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Predicts how long a forward pass of a cut model takes, from passes of the base in other widths
 * that were timed on one device ({@code methods/nvit.md} §2, {@code LUT}).
 *
 * <p>Lat(W) = C(sum over blocks l of A(d, H_l, q_l, v_l) + B(d, M_l)): each block's share of a
 * model in which all blocks are like it, so that patch embedding and classifier are in it. A and B
 * are interpolated linearly between measured widths and never fall when a width grows. C is the
 * calibration by a few whole models whose widths all shrink together, on their way from the base to
 * the floors; without one a sum is taken as it is.
 */
public final class LatencyTable implements Budget {

  /** Of the stage that measures a table: who plans one and who runs it must mean the same. */
  public static final int VERSION = 2;

  /** First member of the JSON form. */
  public static final String FORMAT = "espalier.latency/2";

  /** Tables without calibration, which are read still. */
  private static final String BEFORE = "espalier.latency/1";

  private final LatencyConditions conditions;
  private final LatencyGrid grid;
  private final Grid attention;
  private final Grid mlp;
  private final Calibration calibration;

  private LatencyTable(
      LatencyConditions conditions,
      LatencyGrid grid,
      Grid attention,
      Grid mlp,
      Calibration calibration) {
    this.conditions = conditions;
    this.grid = grid;
    this.attention = attention;
    this.mlp = mlp;
    this.calibration = calibration;
  }

  /**
   * Makes a table of measurements.
   *
   * @param attentionMs milliseconds of {@link LatencyGrid#attentionShapes()}
   * @param mlpMs milliseconds of {@link LatencyGrid#mlpShapes()}
   */
  public static LatencyTable of(
      LatencyConditions conditions, LatencyGrid grid, double[] attentionMs, double[] mlpMs) {
    int depth = grid.base().depth();
    double[] attention = Arrays.stream(attentionMs).map(ms -> ms / depth).toArray();
    double[] mlp = new double[mlpMs.length];
    int widths = grid.mlp().size();
    for (int i = 0; i < mlp.length; i++) {
      // What these MLPs take beyond the narrowest, which the attention's times have in them.
      mlp[i] = Math.max(0, (mlpMs[i] - mlpMs[i / widths * widths]) / depth);
    }
    return new LatencyTable(
        conditions,
        grid,
        new Grid(grid.attentionAxes(), attention).isotonic(),
        new Grid(grid.mlpAxes(), mlp).isotonic(),
        Calibration.NONE);
  }

  /**
   * The same table, calibrated by whole models.
   *
   * @param wholeMs milliseconds of {@link LatencyGrid#wholeShapes()}
   */
  public LatencyTable calibrated(double[] wholeMs) {
    double[] sums = grid.wholeShapes().stream().mapToDouble(this::sum).toArray();
    if (sums.length != wholeMs.length) {
      throw new IllegalArgumentException(
          "expected times of %d whole models but found %d".formatted(sums.length, wholeMs.length));
    }
    return new LatencyTable(
        conditions, grid, attention, mlp, Calibration.of(sums, wholeMs.clone()));
  }

  public LatencyConditions conditions() {
    return conditions;
  }

  /** The unpruned model that the table is for. */
  public VitArchitecture base() {
    return grid.base();
  }

  /** Predicted milliseconds of one forward pass of a batch. */
  public double milliseconds(VitArchitecture vit) {
    return calibration.at(sum(vit));
  }

  private double sum(VitArchitecture vit) {
    double sum = 0;
    for (BlockShape block : vit.blocks()) {
      sum +=
          attention.at(vit.embedding(), block.heads(), block.qkWidth(), block.vWidth())
              + mlp.at(vit.embedding(), block.mlpHidden());
    }
    return sum;
  }

  @Override
  public TargetKind kind() {
    return TargetKind.LATENCY;
  }

  /** Predicted nanoseconds of one forward pass of a batch. */
  @Override
  public long of(VitArchitecture vit) {
    return Math.round(milliseconds(vit) * 1e6);
  }

  /**
   * What a target counts.
   *
   * @throws IllegalArgumentException for a latency target without a table
   */
  public static Budget budget(TargetKind kind, Optional<LatencyTable> table) {
    return kind == TargetKind.LATENCY && table.isPresent() ? table.get() : Budget.of(kind);
  }

  /** The table itself, for this base. */
  public LatencyTable requireFor(VitArchitecture vit) {
    if (!vit.equals(base())) {
      throw new IllegalArgumentException(
          "the latency table must be of the base %s but is of %s"
              .formatted(vit.toJson(), base().toJson()));
    }
    return this;
  }

  /** Canonical JSON. */
  public String toJson() {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("format", FORMAT);
    tree.put("conditions", conditions.toTree());
    tree.put("base", grid.base().toTree());
    tree.put("embedding", grid.embedding());
    tree.put("heads", grid.heads());
    tree.put("qkWidth", grid.qk());
    tree.put("vWidth", grid.v());
    tree.put("mlpHidden", grid.mlp());
    tree.put("attentionMs", Arrays.stream(attention.values()).boxed().toList());
    tree.put("mlpMs", Arrays.stream(mlp.values()).boxed().toList());
    tree.put("wholeSumsMs", calibration.sums());
    tree.put("wholeMs", calibration.measured());
    return Json.canonical(tree);
  }

  /**
   * Reads {@link #toJson()}.
   *
   * @throws IllegalArgumentException naming the member that is missing, mistyped or out of range
   */
  public static LatencyTable fromJson(String json) {
    JsonObject tree = Json.parseObject(json);
    String format = tree.text("format");
    if (!List.of(FORMAT, BEFORE).contains(format)) {
      throw new IllegalArgumentException(
          "format must be %s or %s but is %s".formatted(FORMAT, BEFORE, format));
    }
    LatencyGrid grid =
        new LatencyGrid(
            VitArchitecture.fromTree(tree.object("base")),
            tree.counts("embedding"),
            tree.counts("heads"),
            tree.counts("qkWidth"),
            tree.counts("vWidth"),
            tree.counts("mlpHidden"));
    return new LatencyTable(
        LatencyConditions.fromTree(tree.object("conditions")),
        grid,
        new Grid(grid.attentionAxes(), numbers(tree, "attentionMs")).requireIsotonic("attentionMs"),
        new Grid(grid.mlpAxes(), numbers(tree, "mlpMs")).requireIsotonic("mlpMs"),
        format.equals(BEFORE)
            ? Calibration.NONE
            : new Calibration(list(tree, "wholeSumsMs"), list(tree, "wholeMs")));
  }

  private static List<Double> list(JsonObject tree, String name) {
    return Arrays.stream(numbers(tree, name)).boxed().toList();
  }

  private static double[] numbers(JsonObject tree, String name) {
    List<?> array = tree.array(name);
    double[] numbers = new double[array.size()];
    for (int i = 0; i < numbers.length; i++) {
      if (!(array.get(i) instanceof Number number)) {
        throw new IllegalArgumentException(
            "%s[%d] must be a number but is %s".formatted(name, i, array.get(i)));
      }
      numbers[i] = number.doubleValue();
    }
    return numbers;
  }
}
