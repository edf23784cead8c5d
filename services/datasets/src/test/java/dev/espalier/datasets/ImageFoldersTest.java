package dev.espalier.datasets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.datasets.ImageFolders.Broken;
import dev.espalier.datasets.ImageFolders.Packed;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFoldersTest {

  @TempDir Path directory;

  @Test
  void packsClassesInTheOrderOfTheirNames() throws IOException {
    for (String part : new String[] {"train", "val", "test"}) {
      fill(part + "/red", Color.RED, 3);
      fill(part + "/blue", Color.BLUE, 3);
    }

    Packed packed = ImageFolders.pack(request(8, 3, Broken.REFUSE));

    assertThat(packed.classes()).containsExactly("blue", "red");
    assertThat(packed.dataset().train().size()).isEqualTo(6);
    assertThat(packed.dataset().validation().labels()).containsExactly(0, 0, 0, 1, 1, 1);
    byte[] pixels = packed.dataset().test().images();
    assertThat(pixels[0]).isZero(); // red of a blue image
    assertThat(pixels[2 * 64] & 0xff).isEqualTo(255); // its blue
    ImageDataset again = DatasetArtifact.read(DatasetArtifact.write(packed.dataset()));
    assertThat(again).isEqualTo(packed.dataset());
  }

  @Test
  void splitsUndividedFoldersByClassAndSeed() throws IOException {
    fill("a", Color.RED, 24);
    fill("b", Color.BLUE, 24);

    ImageDataset dataset = ImageFolders.pack(request(4, 3, Broken.REFUSE)).dataset();

    assertThat(dataset.train().size()).isEqualTo(40);
    assertThat(dataset.validation().labels()).containsExactly(0, 0, 1, 1);
    assertThat(dataset.test().labels()).containsExactly(0, 0, 1, 1);
    assertThat(ImageFolders.pack(request(4, 3, Broken.REFUSE)).dataset()).isEqualTo(dataset);
  }

  @Test
  void takesAValFolderAloneForTheTest() throws IOException {
    for (String part : new String[] {"train", "val"}) {
      fill(part + "/a", Color.RED, 12);
      fill(part + "/b", Color.BLUE, 12);
    }

    ImageDataset dataset = ImageFolders.pack(request(4, 3, Broken.REFUSE)).dataset();

    assertThat(dataset.test().size()).isEqualTo(24);
    assertThat(dataset.train().size() + dataset.validation().size()).isEqualTo(24);
  }

  @Test
  void namesBrokenImagesAndSkipsOrRefusesThem() throws IOException {
    fill("a", Color.RED, 12);
    fill("b", Color.BLUE, 12);
    Files.write(directory.resolve("a/zero.png"), new byte[0]);
    Files.writeString(directory.resolve("a/text.jpg"), "no image at all");
    Files.write(directory.resolve("a/bomb.png"), pngHeader(60_000, 60_000));
    Files.write(directory.resolve("a/huge.png"), pngHeader(Integer.MAX_VALUE, 1));
    writeCmyk(directory.resolve("b/cmyk.jpg"));
    byte[] sound = Files.readAllBytes(directory.resolve("b/0.png"));
    Files.write(directory.resolve("b/cut.png"), Arrays.copyOf(sound, sound.length / 2));
    ImageIO.write(image(8, 8, Color.RED), "gif", directory.resolve("b/gif.png").toFile());

    Packed packed = ImageFolders.pack(request(4, 3, Broken.SKIP));

    assertThat(packed.broken().stream().map(BrokenImage::file))
        .containsExactlyInAnyOrder(
            "a/zero.png",
            "a/text.jpg",
            "a/bomb.png",
            "a/huge.png",
            "b/cmyk.jpg",
            "b/cut.png",
            "b/gif.png");
    assertThat(packed.broken().toString())
        .contains("empty")
        .contains("neither JPEG nor PNG")
        .contains("60000 x 60000 pixels")
        .contains("CMYK")
        .contains("damaged");
    ImageDataset dataset = packed.dataset();
    assertThat(dataset.train().size() + dataset.validation().size() + dataset.test().size())
        .isEqualTo(24);
    assertThatThrownBy(() -> ImageFolders.pack(request(4, 3, Broken.REFUSE)))
        .isInstanceOf(InvalidDatasetException.class)
        .hasMessageContaining("broken, the first")
        .hasMessageMatching("(?s).*(a|b)/[a-z]+\\.(png|jpg).*");
  }

  @Test
  void endsDamageAnywhereInAnImageOrAReason() throws IOException {
    Path file = directory.resolve("x.jpg");
    Random random = new Random(5);
    for (String format : new String[] {"jpg", "png"}) {
      ImageIO.write(image(24, 16, Color.ORANGE), format, file.toFile());
      byte[] sound = Files.readAllBytes(file);
      for (int i = 0; i < 400; i++) {
        byte[] damaged = sound.clone();
        for (int k = 0; k <= random.nextInt(6); k++) {
          damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
        }
        Files.write(file, damaged);
        try {
          assertThat(ImageFile.decode(file, 8, 8, 3)).hasSize(3 * 64);
        } catch (IOException e) {
          assertThat(e.getMessage()).isNotBlank();
        }
      }
    }
  }

  @Test
  void convertsPalettesGreyAndSixteenBits() throws IOException {
    BufferedImage palette = new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_INDEXED);
    paint(palette, Color.RED);
    BufferedImage grey = new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_GRAY);
    BufferedImage wide = new BufferedImage(8, 8, BufferedImage.TYPE_USHORT_GRAY);
    for (int i = 0; i < 64; i++) {
      grey.getRaster().setSample(i % 8, i / 8, 0, 100);
      wide.getRaster().setSample(i % 8, i / 8, 0, 100 * 257);
    }
    BufferedImage transparent = new BufferedImage(8, 8, BufferedImage.TYPE_INT_ARGB);
    paint(transparent, new Color(10, 20, 30, 128));

    assertThat(decoded(palette)).startsWith(255).endsWith(0);
    assertThat(decoded(grey)).containsOnly(100);
    assertThat(decoded(wide)).containsOnly(100);
    assertThat(decoded(transparent)).startsWith(10).endsWith(30);
  }

  @Test
  void resizesTheShorterSideAndCutsTheMiddle() throws IOException {
    BufferedImage halves = image(64, 32, Color.BLACK);
    Graphics2D graphics = halves.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(32, 0, 32, 32);
    graphics.dispose();

    int[] pixels = decoded(halves);

    assertThat(pixels[0]).isZero();
    assertThat(pixels[7]).isEqualTo(255);
    assertThat(pixels[3] + pixels[4]).isEqualTo(255);
  }

  @Test
  void readsCifarsBinaryFiles() throws IOException {
    for (int i = 1; i <= 5; i++) {
      Files.write(directory.resolve("data_batch_" + i + ".bin"), records(1, 24, 10));
    }
    Files.write(directory.resolve("test_batch.bin"), records(1, 10, 10));
    ImageDataset ten = PackDataset.pack(new PackDataset.Request(directory, "cifar-10", 0, 0, 0, 0));
    assertThat(ten.channels()).isEqualTo(3);
    assertThat(ten.imageSize()).isEqualTo(32);
    assertThat(ten.train().size() + ten.validation().size()).isEqualTo(120);
    assertThat(ten.test().labels()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);

    Files.write(directory.resolve("train.bin"), records(2, 200, 100));
    Files.write(directory.resolve("test.bin"), records(2, 100, 100));
    ImageDataset hundred =
        PackDataset.pack(new PackDataset.Request(directory, "cifar-100", 0, 0, 0, 0));
    assertThat(hundred.classes()).isEqualTo(100);
    assertThat(PackDataset.isThere(directory)).isTrue();

    Files.write(directory.resolve("test.bin"), new byte[3075]);
    assertThatThrownBy(
            () -> PackDataset.pack(new PackDataset.Request(directory, "cifar", 0, 0, 0, 0)))
        .isInstanceOf(InvalidDatasetException.class)
        .hasMessageContaining("test.bin");
  }

  @Test
  void keepsMoreThan256Classes() throws IOException {
    int[] labels = new int[300];
    Arrays.setAll(labels, i -> i);
    Split split = new Split(new byte[300], labels);
    ImageDataset many =
        new ImageDataset(
            "many", 1, 1, 300, java.util.List.of(0.5), java.util.List.of(1.0), split, split, split);

    assertThat(DatasetArtifact.read(DatasetArtifact.write(many))).isEqualTo(many);
  }

  // ---- helpers ----

  private ImageFolders.Request request(int side, int channels, Broken broken) {
    return new ImageFolders.Request(
        new PackDataset.Request(directory, "mine", 0, 0, 0, 1),
        side,
        side,
        channels,
        broken,
        Optional.empty());
  }

  private int[] decoded(BufferedImage image) throws IOException {
    Path file = directory.resolve("one.png");
    ImageIO.write(image, "png", file.toFile());
    byte[] bytes = ImageFile.decode(file, 8, 8, 3);
    int[] pixels = new int[bytes.length];
    Arrays.setAll(pixels, i -> bytes[i] & 0xff);
    return pixels;
  }

  private void fill(String folder, Color color, int count) throws IOException {
    Files.createDirectories(directory.resolve(folder));
    for (int i = 0; i < count; i++) {
      ImageIO.write(
          image(16, 12 + i, color), "png", directory.resolve(folder + "/" + i + ".png").toFile());
    }
  }

  private static BufferedImage image(int width, int height, Color color) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    paint(image, color);
    return image;
  }

  private static void paint(BufferedImage image, Color color) {
    Graphics2D graphics = image.createGraphics();
    graphics.setComposite(java.awt.AlphaComposite.Src);
    graphics.setColor(color);
    graphics.fillRect(0, 0, image.getWidth(), image.getHeight());
    graphics.dispose();
  }

  private static void writeCmyk(Path file) throws IOException {
    WritableRaster raster = Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, 8, 8, 4, null);
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    try (ImageOutputStream out = ImageIO.createImageOutputStream(file.toFile())) {
      writer.setOutput(out);
      writer.write(null, new javax.imageio.IIOImage(raster, null, null), null);
    } finally {
      writer.dispose();
    }
  }

  /** A PNG that says it is that large and has no data to show for it. */
  private static byte[] pngHeader(int width, int height) throws IOException {
    java.io.ByteArrayOutputStream chunk = new java.io.ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(chunk);
    data.write("IHDR".getBytes(StandardCharsets.US_ASCII));
    data.writeInt(width);
    data.writeInt(height);
    data.write(new byte[] {8, 2, 0, 0, 0});
    CRC32 crc = new CRC32();
    crc.update(chunk.toByteArray());
    java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
    DataOutputStream file = new DataOutputStream(bytes);
    file.writeLong(0x89504e470d0a1a0aL);
    file.writeInt(13);
    file.write(chunk.toByteArray());
    file.writeInt((int) crc.getValue());
    file.write(new byte[64]);
    return bytes.toByteArray();
  }

  private static byte[] records(int labelBytes, int count, int classes) {
    byte[] bytes = new byte[count * (labelBytes + 3072)];
    for (int i = 0; i < count; i++) {
      bytes[i * (labelBytes + 3072) + labelBytes - 1] = (byte) (i % classes);
    }
    return bytes;
  }
}
