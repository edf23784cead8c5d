package dev.espalier.datasets;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ref.SoftReference;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Datasets that were parsed lately, by the digest of their files, so that the next stage on the
 * same images does not parse them again. What was asked for longest ago goes first, and all of them
 * go before memory runs out.
 */
public final class RecentDatasets {

  /** Opens a dataset's file. */
  @FunctionalInterface
  public interface Source {
    InputStream open() throws IOException;
  }

  private record Kept(SoftReference<ImageDataset> dataset, long bytes) {}

  private final long mostBytes;
  private final Consumer<Boolean> found;
  private final Map<String, Kept> recent = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * Keeps nothing yet.
   *
   * @param mostBytes of pixels and labels kept; a dataset in use counts as well, one that is longer
   *     is not kept
   * @param found hears of each dataset asked for whether it was here
   */
  public RecentDatasets(long mostBytes, Consumer<Boolean> found) {
    this.mostBytes = mostBytes;
    this.found = found;
  }

  /**
   * The dataset of that digest. Whoever asks while another is parsed waits: two stages parse the
   * same images once.
   *
   * @param source of the file's bytes, read to its end and closed where the dataset is not here
   */
  public synchronized ImageDataset get(String sha256, Source source) throws IOException {
    Kept kept = recent.get(sha256);
    ImageDataset dataset = kept == null ? null : kept.dataset().get();
    found.accept(dataset != null);
    if (dataset == null) {
      dataset = parse(source);
      keep(sha256, dataset);
    }
    return dataset;
  }

  private static ImageDataset parse(Source source) throws IOException {
    try (InputStream file = source.open()) {
      ImageDataset dataset = DatasetArtifact.read(file);
      file.transferTo(OutputStream.nullOutputStream()); // a store checks its digest at the end
      return dataset;
    }
  }

  private void keep(String sha256, ImageDataset dataset) {
    long bytes = bytes(dataset.train()) + bytes(dataset.validation()) + bytes(dataset.test());
    recent.remove(sha256);
    if (bytes > mostBytes) {
      return;
    }
    recent.put(sha256, new Kept(new SoftReference<>(dataset), bytes));
    long all = recent.values().stream().mapToLong(Kept::bytes).sum();
    for (Iterator<Kept> oldest = recent.values().iterator(); all > mostBytes; ) {
      all -= oldest.next().bytes();
      oldest.remove();
    }
  }

  private static long bytes(Split split) {
    return split.images().length + (long) Integer.BYTES * split.labels().length;
  }
}
