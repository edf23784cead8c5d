package dev.espalier.pruning.engine;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A TorchScript module as the bytes that {@code torch.jit.load} reads, made without Python: a
 * stored ZIP with the source of one class, a pickled instance of it, and no weights.
 */
final class TorchScriptArchive {

  /** Format of files that hold source and take no part in mobile bytecode. */
  private static final String FORMAT_VERSION = "10\n";

  /** Name of the class in the source given to {@link #of}. */
  static final String CLASS = "Program";

  private TorchScriptArchive() {}

  /**
   * Packs methods into a module.
   *
   * @param methods TorchScript functions of {@code self}, indented by two spaces
   */
  static byte[] of(String methods) {
    String source =
        """
        class %s(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
        """
                .formatted(CLASS)
            + methods;
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      ZipOutputStream zip = new ZipOutputStream(bytes);
      entry(zip, "data.pkl", instance());
      entry(zip, "code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
      entry(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'}); // an empty tuple
      entry(zip, "version", FORMAT_VERSION.getBytes(StandardCharsets.US_ASCII));
      entry(zip, "byteorder", "little".getBytes(StandardCharsets.US_ASCII));
      zip.finish();
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot fail", e);
    }
  }

  /** Pickle, protocol 2: the class made without arguments, its state {@code training = False}. */
  private static byte[] instance() throws IOException {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.write(new byte[] {(byte) 0x80, 2}); // PROTO 2
    pickle.write(("c__torch__\n" + CLASS + "\n").getBytes(StandardCharsets.US_ASCII)); // GLOBAL
    pickle.write(')'); // EMPTY_TUPLE
    pickle.write(0x81); // NEWOBJ
    pickle.write('}'); // EMPTY_DICT
    pickle.write('('); // MARK
    byte[] key = "training".getBytes(StandardCharsets.US_ASCII);
    pickle.write(new byte[] {'X', (byte) key.length, 0, 0, 0}); // BINUNICODE
    pickle.write(key);
    pickle.write(0x89); // NEWFALSE
    pickle.write('u'); // SETITEMS
    pickle.write('b'); // BUILD
    pickle.write('.'); // STOP
    return pickle.toByteArray();
  }

  private static void entry(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(content);
    ZipEntry entry = new ZipEntry("program/" + name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
