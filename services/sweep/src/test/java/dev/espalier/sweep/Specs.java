package dev.espalier.sweep;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.sweep.planning.ArtifactPointer;
import dev.espalier.sweep.planning.ResolvedInputs;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.SweepSpecReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Requests that tests share. */
public final class Specs {

  public static final VitArchitecture BASE = VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384);

  public static final ResolvedInputs INPUTS =
      new ResolvedInputs(
          new ArtifactPointer("a".repeat(64), 2_700_000, "model"),
          BASE,
          new ArtifactPointer("d".repeat(64), 6_000_000, "dataset"));

  private Specs() {}

  /** A tree that may be changed: magnitude, and NViT with and without redistribution. */
  public static Map<String, Object> tree() {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("name", "demo");
    tree.put("model", "fashion-vit-96x6");
    tree.put("dataset", "fashion-mnist-subset");
    List<Object> methods = new ArrayList<>();
    methods.add(new LinkedHashMap<>(Map.of("name", "magnitude")));
    methods.add(
        new LinkedHashMap<>(
            Map.of("name", "nvit", "redistribution", new ArrayList<>(List.of("none", "smooth")))));
    tree.put("methods", methods);
    tree.put("targets", new LinkedHashMap<>(Map.of("macs", new ArrayList<>(List.of(0.7, 0.5)))));
    tree.put("seeds", new ArrayList<>(List.of(1L)));
    tree.put("recipe", new LinkedHashMap<>(Map.of("epochs", 2L)));
    return tree;
  }

  public static SweepSpec spec(Map<String, Object> tree) {
    return SweepSpecReader.read(tree).orThrow();
  }
}
