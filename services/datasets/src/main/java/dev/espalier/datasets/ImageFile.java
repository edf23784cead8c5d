package dev.espalier.datasets;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * Decodes JPEG and PNG into square pixels: the shorter side is resized, the middle is cut out.
 *
 * <p>Palettes, grey and 16 bits a channel are converted, an alpha channel is dropped. Refused, with
 * the reason: files that are empty, damaged, of another kind, CMYK, or of more than {@value
 * #MAX_PIXELS} pixels, whatever little their bytes are.
 */
final class ImageFile {

  static final long MAX_PIXELS = 100_000_000;
  private static final Set<String> SUFFIXES = Set.of("jpg", "jpeg", "png");

  private ImageFile() {}

  static boolean isImage(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return SUFFIXES.contains(name.substring(name.lastIndexOf('.') + 1)) && !name.startsWith(".");
  }

  /**
   * Decodes a file.
   *
   * @param resize length of the shorter side before the crop, at least {@code side}
   * @param channels 1 for luminance, 3 for red, green, blue
   * @return (channels, side, side), unsigned bytes
   * @throws IOException whose message is why there is no image
   */
  static byte[] decode(Path file, int resize, int side, int channels) throws IOException {
    if (Files.size(file) == 0) {
      throw new IOException("the file is empty");
    }
    if (colours(file) == 4) {
      throw new IOException("CMYK colours, convert it to RGB");
    }
    float[][] planes;
    int width;
    int height;
    try (ImageInputStream stream = ImageIO.createImageInputStream(file.toFile())) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
      if (!readers.hasNext()) {
        throw new IOException("neither JPEG nor PNG");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(stream, true, true);
        BufferedImage image = read(reader, resize);
        width = image.getWidth();
        height = image.getHeight();
        planes = planes(image, channels);
      } finally {
        reader.dispose();
      }
    } catch (IOException e) {
      throw e;
    } catch (RuntimeException | OutOfMemoryError | StackOverflowError e) {
      // Readers of the JDK answer damage with almost any exception.
      throw new IOException("damaged: " + e, e);
    }
    return Resampling.shorterSideThenCentre(planes, width, height, resize, side);
  }

  private static BufferedImage read(ImageReader reader, int resize) throws IOException {
    String format = reader.getFormatName().toLowerCase(Locale.ROOT);
    if (!SUFFIXES.contains(format)) {
      throw new IOException("neither JPEG nor PNG but " + format);
    }
    long width = reader.getWidth(0);
    long height = reader.getHeight(0);
    if (width * height > MAX_PIXELS) {
      throw new IOException("%d x %d pixels are more than %d".formatted(width, height, MAX_PIXELS));
    }
    ImageReadParam parameters = reader.getDefaultReadParam();
    // Large pictures are thinned out to twice what is needed; the filter does the rest.
    int every = (int) Math.max(1, Math.min(width, height) / (2L * resize));
    parameters.setSourceSubsampling(every, every, 0, 0);
    try {
      return reader.read(0, parameters);
    } catch (javax.imageio.IIOException e) {
      throw new IOException("damaged: " + e.getMessage(), e);
    }
  }

  /** Components of a JPEG, from its frame header; 0 for another file or where there is none. */
  private static int colours(Path file) throws IOException {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      int marker = in.readUnsignedShort() == 0xffd8 ? in.readUnsignedShort() : 0;
      while (marker >>> 8 == 0xff) {
        int length = in.readUnsignedShort() - 2;
        boolean frame =
            marker >= 0xffc0
                && marker <= 0xffcf
                && marker != 0xffc4
                && marker != 0xffc8
                && marker != 0xffcc;
        if (frame) {
          in.skipNBytes(5);
          return in.readUnsignedByte();
        }
        in.skipNBytes(Math.max(0, length));
        marker = in.readUnsignedShort();
      }
      return 0;
    } catch (EOFException e) {
      return 0;
    }
  }

  /** Samples 0..255 by channel, row-major. */
  private static float[][] planes(BufferedImage image, int channels) {
    int width = image.getWidth();
    int height = image.getHeight();
    float[][] rgb = new float[3][width * height];
    Raster raster = image.getRaster();
    boolean grey = raster.getNumBands() <= 2 && !(image.getColorModel() instanceof IndexColorModel);
    if (grey) {
      // By samples: Java's grey colour space would brighten them.
      int bits = image.getColorModel().getComponentSize(0);
      float scale = 255f / ((1 << bits) - 1);
      float[] samples = raster.getSamples(0, 0, width, height, 0, (float[]) null);
      for (int i = 0; i < samples.length; i++) {
        samples[i] *= scale;
      }
      rgb = new float[][] {samples, samples, samples};
    } else {
      int[] row = new int[width];
      for (int y = 0; y < height; y++) {
        image.getRGB(0, y, width, 1, row, 0, width);
        for (int x = 0; x < width; x++) {
          rgb[0][y * width + x] = row[x] >> 16 & 0xff;
          rgb[1][y * width + x] = row[x] >> 8 & 0xff;
          rgb[2][y * width + x] = row[x] & 0xff;
        }
      }
    }
    return channels == 3 ? rgb : new float[][] {grey ? rgb[0] : luminance(rgb)};
  }

  /** ITU-R BT.601. */
  private static float[] luminance(float[][] rgb) {
    float[] luminance = new float[rgb[0].length];
    for (int i = 0; i < luminance.length; i++) {
      luminance[i] = 0.299f * rgb[0][i] + 0.587f * rgb[1][i] + 0.114f * rgb[2][i];
    }
    return luminance;
  }
}
