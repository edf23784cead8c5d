package dev.espalier.scheduler.report;

import dev.espalier.scheduler.report.SweepResults.Artifact;
import dev.espalier.scheduler.report.SweepResults.Base;
import dev.espalier.scheduler.report.SweepResults.BlockWidths;
import dev.espalier.scheduler.report.SweepResults.CellResult;
import dev.espalier.scheduler.report.SweepResults.Conditions;
import dev.espalier.scheduler.report.SweepResults.Epoch;
import dev.espalier.scheduler.report.SweepResults.Failure;
import dev.espalier.scheduler.report.SweepResults.Header;
import dev.espalier.scheduler.report.SweepResults.Recovery;
import dev.espalier.scheduler.report.SweepResults.Sharing;
import dev.espalier.scheduler.report.SweepResults.Source;
import dev.espalier.scheduler.report.SweepResults.StageResult;
import dev.espalier.scheduler.report.SweepResults.TrialResult;
import dev.espalier.scheduler.report.SweepResults.Widths;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** A finished sweep with figures of a plausible size: two methods, three ratios, three seeds. */
final class ReportFixture {

  static final int DEPTH = 6;

  private ReportFixture() {}

  /** Writes the fixture's report to the given file, for the eye. */
  public static void main(String[] arguments) throws Exception {
    Files.writeString(Path.of(arguments[0]), HtmlReport.write(results("NViT against magnitude")));
  }

  static SweepResults results(String name) {
    Random random = new Random(7);
    List<CellResult> cells = new ArrayList<>();
    List<TrialResult> trials = new ArrayList<>();
    for (String method : List.of("magnitude", "nvit")) {
      List<String> policies =
          method.equals("nvit") ? List.of("none", "smooth", "nvit-trend") : List.of("none");
      for (String policy : policies) {
        for (double keep : new double[] {0.7, 0.5, 0.35}) {
          cells.add(cell(trials, method, policy, keep, random));
        }
      }
    }
    TrialResult last = trials.remove(trials.size() - 1);
    trials.add(
        new TrialResult(
            last.trialId(),
            last.cellId(),
            last.method(),
            last.redistribution(),
            last.targetKind(),
            last.keepRatio(),
            last.seed(),
            "FAILED",
            last.stages(),
            Map.of(),
            last.curve().subList(0, 3),
            List.of(),
            last.pruned(),
            last.redistributed(),
            Map.of(),
            new Failure(
                "SPEC",
                "NAN_LOSS",
                "loss must be finite but is NaN at step 412 of 480 (learning rate 0.01)")));
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("name", name);
    spec.put("methods", List.of(Map.of("name", "magnitude"), Map.of("name", "nvit")));
    spec.put("targets", Map.of("macs", List.of(0.7, 0.5, 0.35)));
    spec.put("seeds", List.of(1, 2, 3));
    return new SweepResults(
            new Header(
                "3f2a9c1b7d604e58",
                name,
                "vision",
                "COMPLETED",
                null,
                0,
                new Source("fashion-vit-d96x6", digest(1)),
                new Source("fashion-mnist-subset", digest(2)),
                Instant.parse("2026-11-24T02:10:00Z"),
                Instant.parse("2026-11-24T02:16:42Z"),
                spec),
            new Base(
                widths(96, 4, 24, 24, 384),
                new TreeMap<>(
                    Map.of(
                        "params", 681_610.0,
                        "macs", 33_700_000.0,
                        "top1_accuracy", 0.8712,
                        "latency_p50_ms", 1.84,
                        "throughput_images_per_s", 1412.0,
                        "onnx_latency_p50_ms", 1.15,
                        "onnx_throughput_images_per_s", 1300.0))),
            cells,
            trials,
            stages(),
            new Sharing(180, 74, 6, 371, 512),
            new Conditions(
                "Intel Xeon (2 cores)",
                "host-1",
                "fp32",
                1,
                "PyTorch 2.7.1",
                64,
                50,
                10,
                2000,
                "ONNX Runtime 1.22.0"))
        .with(List.of(pictures(cells.get(0).cellId()), pictures(cells.get(1).cellId())));
  }

  /** Two images of 49 patches, of which blocks 2 and 4 leave 24 and 9, other ones of each image. */
  private static KeptPatches pictures(String cellId) {
    List<KeptPatches.Picture> images = new ArrayList<>();
    List<List<Integer>> first = new ArrayList<>();
    List<List<Integer>> second = new ArrayList<>();
    for (int image = 0; image < 2; image++) {
      byte[] pixels = new byte[28 * 28];
      for (int i = 0; i < pixels.length; i++) {
        int x = i % 28 - 14;
        int y = i / 28 - 14;
        pixels[i] = (byte) Math.max(0, 255 - 15 * (image == 0 ? x * x + y * y : x * x) / 10);
      }
      images.add(new KeptPatches.Picture(image, Base64.getEncoder().encodeToString(pixels)));
      int from = 10 + 3 * image;
      first.add(IntStream.range(from, from + 24).boxed().toList());
      second.add(IntStream.range(from, from + 9).boxed().toList());
    }
    return new KeptPatches(
        cellId,
        28,
        1,
        7,
        images,
        List.of(new KeptPatches.Stage(2, first), new KeptPatches.Stage(4, second)));
  }

  private static CellResult cell(
      List<TrialResult> trials, String method, String policy, double keep, Random random) {
    double quality = method.equals("nvit") ? 0.87 : 0.862;
    quality -= (1 - keep) * (1 - keep) * (method.equals("nvit") ? 0.07 : 0.13);
    quality += policy.equals("smooth") ? 0.004 : policy.equals("nvit-trend") ? 0.0065 : 0;
    String cellId = "%08x".formatted((method + policy + keep).hashCode());
    Map<String, List<Double>> values = new TreeMap<>();
    for (long seed = 1; seed <= 3; seed++) {
      Map<String, Double> m = new TreeMap<>();
      double top1 = quality + random.nextGaussian() * 0.003;
      double cut = keep * keep * (method.equals("nvit") ? 1.1 : 0.7) * 0.8;
      m.put("top1_accuracy", top1);
      m.put("top5_accuracy", 0.985 + random.nextDouble() * 0.01);
      m.put("top1_before_recovery", Math.max(0.1, cut + random.nextGaussian() * 0.02));
      m.put("base_top1_accuracy", 0.8712);
      m.put("macs", 33_700_000 * keep * (1 + random.nextGaussian() * 0.004));
      m.put("params", 681_610 * (keep + (method.equals("nvit") ? 0.03 : -0.02)));
      m.put("latency_p50_ms", 1.84 * (0.3 + 0.7 * keep) * (1 + random.nextGaussian() * 0.01));
      m.put("latency_p95_ms", 2.1 * (0.3 + 0.7 * keep));
      m.put("throughput_images_per_s", 1412 / (0.08 + 0.92 * keep));
      m.put("speedup_batch1", 1 / (0.3 + 0.7 * keep));
      m.put("speedup_throughput", 1 / (0.08 + 0.92 * keep));
      m.put("onnx_latency_p50_ms", 1.15 * (0.3 + 0.7 * keep));
      m.put("onnx_throughput_images_per_s", 1300 / (0.08 + 0.92 * keep));
      m.put("onnx_speedup_batch1", 1 / (0.3 + 0.7 * keep));
      m.put("onnx_speedup_throughput", 1 / (0.08 + 0.92 * keep));
      m.put("onnx_max_abs_difference", 3.1e-6 + seed * 1e-7);
      m.put("mask_max_abs_difference", 2.4e-6 * (1 + random.nextDouble()));
      m.forEach((name, value) -> values.computeIfAbsent(name, n -> new ArrayList<>()).add(value));
      List<Epoch> curve = new ArrayList<>();
      for (int epoch = 0; epoch <= 5; epoch++) {
        double reached = cut + (top1 - cut) * (1 - Math.exp(-epoch * 1.1));
        curve.add(
            new Epoch(
                epoch,
                epoch * 96L,
                reached + random.nextGaussian() * 0.004,
                0.6 - 0.05 * epoch,
                null));
      }
      boolean moved = !policy.equals("none");
      Widths pruned = cut(method, keep, random);
      trials.add(
          new TrialResult(
              "3f2a9c1b7d604e58-" + cellId + "-s" + seed,
              cellId,
              method,
              policy,
              "macs",
              keep,
              seed,
              "SUCCEEDED",
              List.of(digest(3), digest(4)),
              m,
              curve,
              List.of(new Recovery("f", method, keep, curve)),
              pruned,
              moved ? smooth(pruned) : null,
              Map.of(
                  "finetune/model", new Artifact(digest(trials.size() + 10L), 2_700_000),
                  "prune/plan", new Artifact(digest(trials.size() + 100L), 9_000)),
              null));
    }
    Map<String, Statistic> statistics = new TreeMap<>();
    values.forEach((measurement, list) -> statistics.put(measurement, Statistic.of(list)));
    return new CellResult(cellId, method, policy, "macs", keep, 3, 3, statistics);
  }

  static Widths widths(int embedding, int heads, int qk, int v, int mlp) {
    return new Widths(
        embedding,
        IntStream.range(0, DEPTH).mapToObj(b -> new BlockWidths(heads, qk, v, mlp)).toList());
  }

  private static Widths cut(String method, double keep, Random random) {
    boolean uniform = method.equals("magnitude");
    List<BlockWidths> blocks = new ArrayList<>();
    for (int b = 0; b < DEPTH; b++) {
      double bias = uniform ? 1 : 0.75 + 0.5 * Math.sin((b + 0.5) / DEPTH * Math.PI);
      blocks.add(
          new BlockWidths(
              (int) Math.max(1, Math.min(4, Math.round(4 * Math.sqrt(keep) * bias))),
              uniform ? 24 : (int) Math.max(8, 8 * Math.round(3 * keep * bias)),
              uniform ? 24 : (int) Math.max(8, Math.min(24, 8 * Math.round(3.4 * keep * bias))),
              (int)
                  Math.min(
                      384, 8 * Math.round(48 * keep * bias * (1 + random.nextGaussian() * 0.1)))));
    }
    return new Widths((int) (8 * Math.round(12 * Math.sqrt(keep))), blocks);
  }

  private static Widths smooth(Widths widths) {
    List<BlockWidths> blocks = new ArrayList<>();
    for (int b = 0; b < widths.blocks().size(); b++) {
      int mlp =
          (int)
              Math.round(
                  IntStream.of(Math.max(0, b - 1), b, Math.min(DEPTH - 1, b + 1))
                      .map(i -> widths.blocks().get(i).mlp())
                      .average()
                      .orElseThrow());
      BlockWidths was = widths.blocks().get(b);
      blocks.add(new BlockWidths(was.heads(), was.qk(), was.v(), mlp));
    }
    return new Widths(widths.embedding(), blocks);
  }

  private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

  private static List<StageResult> stages() {
    List<StageResult> stages = new ArrayList<>();
    String[] kinds = {"SEARCH", "PRUNE", "REDISTRIBUTE", "FINETUNE", "EVALUATE"};
    double[] seconds = {8.2, 0.4, 0.2, 11.7, 6.1};
    for (int i = 0; i < 74; i++) {
      int kind = i < 14 ? 0 : i < 26 ? 1 : i < 38 ? 2 : i < 56 ? 3 : 4;
      stages.add(
          new StageResult(
              digest(i),
              kinds[kind],
              kind == 3 ? "finetune" : "nvit",
              1,
              1,
              "SUCCEEDED",
              kind == 0 ? 9 : kind == 1 ? 3 : 1,
              kind == 0 && i < 6,
              1,
              seconds[kind] * (1 + i % 5 * 0.05),
              "cpu",
              START.plusMillis(4_000L * i),
              START.plusMillis(4_000L * i + Math.round(1000 * seconds[kind])),
              Map.of()));
    }
    return stages;
  }

  static String digest(long seed) {
    return "%064x".formatted(new java.math.BigInteger(250, new Random(seed)));
  }
}
